package main

import (
	"strings"
	"testing"
)

func TestUnsafeSettingsOfTheHTTPTransportAreRefused(t *testing.T) {
	for name, values := range map[string][]string{
		"DYNAMICS_ALLOWED_HOSTS":   {"*", "*.example.com", "https://mcp.example.com", "mcp.example.com,", "user@mcp.example.com"},
		"DYNAMICS_ALLOWED_ORIGINS": {"*", "null", "https://*", "app.example.com", "https://app.example.com/", "https://user@app.example.com", "://a"},
		"DYNAMICS_SESSION_IDLE":    {"0", "-1m", "forever"},
	} {
		for _, value := range values {
			if _, err := load(t, "", map[string]string{name: value}); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
				t.Errorf("%s=%s: got %v, want it refused", name, value, err)
			}
		}
	}
	c, err := load(t, "", map[string]string{"DYNAMICS_ALLOWED_HOSTS": "mcp.example.com, 10.0.0.1:80", "DYNAMICS_ALLOWED_ORIGINS": "https://app.example.com:8443"})
	if err != nil || len(c.allowedHosts) != 2 || len(c.allowedOrigins) != 1 {
		t.Errorf("got %v, %v", c, err)
	}
}

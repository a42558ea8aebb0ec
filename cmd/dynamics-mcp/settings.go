package main

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/auth"
)

// setting is one thing that can be configured. The table below is the only place that knows its names: flags,
// environment, configuration file, help and docs/configuration.md all come from it.
type setting struct {
	key      string // in the configuration file, and in upper case after DYNAMICS_ in the environment
	flag     string // "": no flag, because a command line can be read by every process of the machine
	meta     string // what the value is, in help; "" for a switch
	fallback string
	doc      string
	secret   bool // may also come from KEY_file and KEY_env
	scope    scope
	set      func(*config, *connection, string) error
}

// scope is where a setting applies.
type scope int

const (
	everywhere  scope = iota // top of the file, every command
	serving                  // top of the file, commands that hold tools
	listening                // top of the file, http and demo
	environment              // one connection
)

const (
	envPrefix      = "DYNAMICS_"
	configKey      = "config"
	defaultListen  = "127.0.0.1:8808"
	connectionsKey = "connections"
)

// env is the setting's name in the environment.
func (s setting) env() string { return envPrefix + strings.ToUpper(s.key) }

func settings() []setting {
	return append([]setting{
		{key: "url", flag: "url", meta: "URL", scope: environment,
			doc: "Address of the Dataverse environment, such as https://org.crm4.dynamics.com.",
			set: func(_ *config, c *connection, v string) error { c.URL = v; return nil }},
		{key: "tenant_id", flag: "tenant-id", meta: "ID", scope: environment,
			doc: "Entra tenant of the environment: its id or a domain. Left out, the environment is asked for it.",
			set: func(_ *config, c *connection, v string) error { c.TenantID = v; return nil }},
		{key: "client_id", flag: "client-id", meta: "ID", scope: environment,
			doc: "Application (client) id of the app registration that signs in.",
			set: func(_ *config, c *connection, v string) error { c.ClientID = v; return nil }},
		{key: "client_secret", secret: true, scope: environment,
			doc: "Client secret of that app registration.",
			set: func(_ *config, c *connection, v string) error { c.ClientSecret = auth.NewSecret(v); return nil }},
		{key: "token", secret: true, scope: environment,
			doc: "Access token that something else gets and renews, instead of a client secret.",
			set: func(_ *config, c *connection, v string) error { c.Token = auth.NewSecret(v); return nil }},
		{key: "token_command", flag: "token-command", meta: "COMMAND", scope: environment,
			doc: "Program that prints an access token, instead of a client secret. It is run again before the token runs out. " +
				"Words are split as a shell would, but no shell runs; a JSON array of strings is taken as it is.",
			set: func(_ *config, c *connection, v string) (err error) {
				c.TokenCommand, err = auth.ParseCommand(v)
				return err
			}},
		{key: "authority", flag: "authority", meta: "URL", scope: environment,
			doc: "Sign-in service, when it is not the one of the environment's cloud, such as the emulator's own address.",
			set: func(_ *config, c *connection, v string) error { c.Authority = v; return nil }},
		{key: "read_only", flag: "read-only", fallback: "false", scope: serving,
			doc: "Offer only tools that read.",
			set: func(c *config, _ *connection, v string) (err error) { c.readOnly, err = parseBool(v); return err }},
		{key: "confirm", flag: "confirm", meta: "ask|never", fallback: confirmAsk, scope: serving,
			doc: "Ask a person before something is destroyed, or never: for scripts and CI, where no model decides what to call. " +
				"A client that cannot ask is answered with the question, and a confirmation to send once its user agreed.",
			set: func(c *config, _ *connection, v string) (err error) { c.unconfirmed, err = parseConfirm(v); return err }},
		{key: "confirm_key", secret: true, scope: serving,
			doc: "Secret of at least 32 characters that the replicas of one server share, so that a question of one may be " +
				"answered at another. Left out, each start makes its own.",
			set: func(c *config, _ *connection, v string) error { return c.setConfirmKey(v) }},
		{key: "timeout", flag: "timeout", meta: "DURATION", fallback: "45s", scope: serving,
			doc: "How long a call of a tool may take, such as 90s or 2m. A single request may take two thirds of it. " +
				"It begins anew when a user has answered a question about a deletion.",
			set: func(c *config, _ *connection, v string) (err error) { c.timeout, err = parseTimeout(v); return err }},
		{key: "cache_dir", flag: "cache-dir", meta: "DIR", scope: serving,
			doc: "Folder that tables and columns are remembered in between starts, as an absolute path; off for none. " +
				"Left out, it is dynamics-mcp in the user's cache folder.",
			set: func(c *config, _ *connection, v string) (err error) { c.cacheDir, err = parseDir(v); return err }},
		{key: "listen", flag: "listen", meta: "ADDRESS", fallback: defaultListen, scope: listening,
			doc: "Address and port of the HTTP transport. Loopback only.",
			set: func(c *config, _ *connection, v string) error { c.listen = v; return nil }},
		{key: "log_level", flag: "log-level", meta: "LEVEL", fallback: "info", scope: everywhere,
			doc: "Least important messages to log on standard error: debug, info, warn or error. The command call logs errors alone unless this is given.",
			set: func(c *config, _ *connection, v string) (err error) { c.logLevel, err = parseLevel(v); return err }},
		{key: configKey, flag: "config", meta: "FILE", scope: everywhere,
			doc: "Configuration file. Left out, config.yaml in the user's configuration folder is read when there is one.",
			set: func(*config, *connection, string) error { return nil }}, // read before the others
	}, append(reaching(), watching()...)...)
}

// reaching are the settings of who may reach the HTTP transport, and for how long it remembers them.
func reaching() []setting {
	return []setting{
		{key: "allowed_hosts", flag: "allowed-hosts", meta: "HOST,...", scope: listening,
			doc: "Names besides localhost by which clients reach the HTTP transport, such as the public one of a reverse proxy that passes it on.",
			set: func(c *config, _ *connection, v string) (err error) { c.allowedHosts, err = parseHosts(v); return err }},
		{key: "allowed_origins", flag: "allowed-origins", meta: "ORIGIN,...", scope: listening,
			doc: "Web origins besides those of this machine whose pages may call the HTTP transport, such as https://app.example.",
			set: func(c *config, _ *connection, v string) (err error) {
				c.allowedOrigins, err = parseOrigins(v)
				return err
			}},
		{key: "session_idle", flag: "session-idle", meta: "DURATION", fallback: "30m", scope: listening,
			doc: "How long the HTTP transport keeps the session of a client before 2026-07-28 that it does not hear from.",
			set: func(c *config, _ *connection, v string) (err error) { c.sessionIdle, err = parseTimeout(v); return err }},
	}
}

// isCredential says that a setting is one of those of which a connection takes one.
func (s setting) isCredential() bool {
	return s.scope == environment && (s.secret || s.key == "token_command")
}

func parseBool(v string) (bool, error) {
	b, err := strconv.ParseBool(strings.ToLower(v))
	if err != nil {
		return false, fmt.Errorf("got %q, want true or false", v)
	}
	return b, nil
}

// The values of confirm.
const (
	confirmAsk   = "ask"
	confirmNever = "never"
)

func parseConfirm(v string) (unconfirmed bool, err error) {
	if v != confirmAsk && v != confirmNever {
		return false, fmt.Errorf("got %q, want %s or %s", v, confirmAsk, confirmNever)
	}
	return v == confirmNever, nil
}

func (c *config) setConfirmKey(v string) error {
	const least = 32
	if len(v) < least {
		return fmt.Errorf("got %d characters, want at least %d", len(v), least)
	}
	c.confirmKey = auth.NewSecret(v)
	return nil
}

// off is the value of what is not wanted.
const off = "off"

// parseDir takes no relative path: clients start this program in whatever folder they are in.
func parseDir(v string) (string, error) {
	if v != off && !filepath.IsAbs(v) {
		return "", fmt.Errorf("got %q, want an absolute path or off", v)
	}
	return v, nil
}

func parseFile(v string) (string, error) {
	if !filepath.IsAbs(v) {
		return "", fmt.Errorf("got %q, want an absolute path", v)
	}
	return v, nil
}

// parseHosts takes names alone, and no pattern: whoever may use any name may use a page's own.
func parseHosts(v string) ([]string, error) {
	hosts := strings.Split(strings.ReplaceAll(v, " ", ""), ",")
	for _, host := range hosts {
		if host == "" || strings.ContainsAny(host, "*/@?#") {
			return nil, fmt.Errorf("got %q, want names such as mcp.example.com, with commas between them", host)
		}
	}
	return hosts, nil
}

func parseOrigins(v string) ([]string, error) {
	origins := strings.Split(strings.ReplaceAll(v, " ", ""), ",")
	for _, origin := range origins {
		scheme, host, _ := strings.Cut(origin, "://")
		if scheme == "" || host == "" || strings.ContainsAny(host, "*/@?#") {
			return nil, fmt.Errorf("got %q, want origins such as https://app.example.com, with commas between them", origin)
		}
	}
	return origins, nil
}

func parseTimeout(v string) (time.Duration, error) {
	d, err := time.ParseDuration(v)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("got %q, want a time such as 90s or 2m", v)
	}
	return d, nil
}

func parseLevel(v string) (level slog.Level, err error) {
	if err := level.UnmarshalText([]byte(v)); err != nil {
		return level, errors.New("got " + strconv.Quote(v) + ", want debug, info, warn or error")
	}
	return level, nil
}

package observe

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	page := httptest.NewRecorder()
	m.Handler().ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	if page.Code != http.StatusOK {
		t.Fatalf("status %d: %s", page.Code, page.Body)
	}
	return page.Body.String()
}

func holds(t *testing.T, page string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(page, line+"\n") {
			name, _, _ := strings.Cut(line, "{")
			var near []string
			for got := range strings.Lines(page) {
				if strings.HasPrefix(got, name) {
					near = append(near, got)
				}
			}
			t.Errorf("want %s, got\n%s", line, strings.Join(near, ""))
		}
	}
}

func TestCallsAreCountedByToolAndOutcome(t *testing.T) {
	m := NewMetrics("1.2.3")
	_, ended, err := m.Observe(t.Context(), tools.Call{Tool: "get_record", Effect: tools.Reads})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, scrape(t, m), "dynamics_mcp_tool_calls_in_flight 1")
	ended(tools.Outcome{Took: 30 * time.Millisecond})
	_, ended, err = m.Observe(t.Context(), tools.Call{Tool: "get_record", Effect: tools.Reads})
	if err != nil {
		t.Fatal(err)
	}
	ended(tools.Outcome{Took: time.Second, Kind: dataverse.Denied, Err: errors.New("secret")})
	for _, name := range []string{"made_up", "made_up_too"} {
		_, ended, err = m.Observe(t.Context(), tools.Call{Tool: name})
		if err != nil {
			t.Fatal(err)
		}
		ended(tools.Outcome{Kind: dataverse.NotFound, Err: errors.New("not offered")})
	}
	page := scrape(t, m)
	holds(t, page,
		`dynamics_mcp_tool_calls_total{outcome="not_found",tool="unknown"} 2`,
		`dynamics_mcp_tool_calls_total{outcome="ok",tool="get_record"} 1`,
		`dynamics_mcp_tool_calls_total{outcome="denied",tool="get_record"} 1`,
		`dynamics_mcp_tool_call_duration_seconds_bucket{tool="get_record",le="0.05"} 1`,
		`dynamics_mcp_tool_call_duration_seconds_count{tool="get_record"} 2`,
		`dynamics_mcp_tool_calls_in_flight 0`,
		`dynamics_mcp_build_info{version="1.2.3"} 1`,
	)
	if strings.Contains(page, "secret") {
		t.Error("the text of an error is in the metrics")
	}
}

func TestRequestsAreCountedByMethodAndClassOfAnswer(t *testing.T) {
	m := NewMetrics("1")
	m.Load()
	m.Clients(func() int { return 3 }, func() int { return 4 })
	for _, r := range []dataverse.Response{
		{Attempts: []dataverse.Attempt{{Status: 429}, {Waited: 2 * time.Second}, {Status: 200}}},
		{Attempts: []dataverse.Attempt{{Status: 204}}},
		{Kind: dataverse.Throttled},
	} {
		_, ended := m.Watch(t.Context(), dataverse.Request{Method: http.MethodGet, Route: "accounts({})"})
		ended(r)
	}
	page := scrape(t, m)
	holds(t, page,
		`dynamics_mcp_dataverse_requests_total{method="GET",status="2xx"} 2`,
		`dynamics_mcp_dataverse_requests_total{method="GET",status="4xx"} 1`,
		`dynamics_mcp_dataverse_requests_total{method="GET",status="none"} 1`,
		`dynamics_mcp_dataverse_requests_total{method="GET",status="unsent"} 1`,
		`dynamics_mcp_dataverse_retries_total{method="GET"} 2`,
		`dynamics_mcp_dataverse_throttled_total 1`,
		`dynamics_mcp_dataverse_wait_seconds_bucket{le="1"} 3`,
		`dynamics_mcp_dataverse_requests_waiting 0`,
		`dynamics_mcp_dataverse_requests_in_flight 0`,
		`dynamics_mcp_sessions 3`,
		`dynamics_mcp_streams 4`,
	)
	if strings.Contains(page, "accounts") {
		t.Error("routes are in the metrics, of which there may be many")
	}
}

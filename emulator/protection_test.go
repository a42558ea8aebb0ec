package emulator_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

// inProcess runs a test of times in a bubble, where the emulator's clock is the bubble's.
func inProcess(t *testing.T, limits emulator.Limits, test func(t *testing.T, ask func(headers ...string) *httptest.ResponseRecorder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e, err := emulator.New(t.Context(), emulator.Options{Empty: true, Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = e.Close() }()
		test(t, func(headers ...string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/data/v9.2/WhoAmI", nil)
			r.Header.Set("Authorization", "Bearer "+emulator.DefaultToken)
			for _, line := range headers {
				name, value, _ := strings.Cut(line, ": ")
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			return w
		})
	})
}

func throttle(t *testing.T, w *httptest.ResponseRecorder, retryAfter, code, message string) {
	t.Helper()
	want := `{"error":{"code":"` + code + `","message":"` + message + `"}}`
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != retryAfter || w.Body.String() != want {
		t.Errorf("got %d, Retry-After %s, %s; want 429, %s, %s", w.Code, w.Header().Get("Retry-After"), w.Body, retryAfter, want)
	}
}

func TestRequestsAreCountedInASlidingWindow(t *testing.T) {
	inProcess(t, emulator.Limits{Requests: 3, Window: time.Minute}, func(t *testing.T, ask func(...string) *httptest.ResponseRecorder) {
		for i, left := range []string{"2", "1", "0"} {
			w := ask()
			if got := w.Header().Get("x-ms-ratelimit-burst-remaining-xrm-requests"); w.Code != http.StatusOK || got != left {
				t.Errorf("request %d: got %d with %s left, want 200 with %s", i+1, w.Code, got, left)
			}
			time.Sleep(10 * time.Second)
		}
		throttle(t, ask(), "30", "0x80072322", "Number of requests exceeded the limit of 3 over time window of 60 seconds.")
		throttle(t, ask(), "40", "0x80072322", "Number of requests exceeded the limit of 3 over time window of 60 seconds.") // asking on makes it longer
		time.Sleep(39 * time.Second)
		throttle(t, ask(), "11", "0x80072322", "Number of requests exceeded the limit of 3 over time window of 60 seconds.")
		time.Sleep(11 * time.Second)
		if w := ask(); w.Code != http.StatusOK {
			t.Errorf("after Retry-After: got %d %s, want 200", w.Code, w.Body)
		}
		if w := ask("MSCRMCallerID: " + seed.ApplicationUserID); w.Code != http.StatusTooManyRequests {
			t.Errorf("impersonation: got %d, want 429: it is the one who calls that counts", w.Code)
		}
	})
}

func TestExecutionTimeIsLimited(t *testing.T) {
	limits := emulator.Limits{Execution: 1200 * time.Second, Window: 5000 * time.Second}
	inProcess(t, limits, func(t *testing.T, ask func(...string) *httptest.ResponseRecorder) {
		for i, left := range []string{"1,200.00", "199.75"} {
			w := ask("X-Emulator-Fault: latency=1000.25s")
			if got := w.Header().Get("x-ms-ratelimit-time-remaining-xrm-requests"); w.Code != http.StatusOK || got != left {
				t.Errorf("request %d: got %d with %s s left, want 200 with %s s", i+1, w.Code, got, left)
			}
		}
		throttle(t, ask(), "4000", "0x80072321", "Combined execution time of incoming requests exceeded limit of 1,200,000 milliseconds over time window of "+
			"5000 seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.")
		time.Sleep(4000 * time.Second)
		if w := ask(); w.Code != http.StatusOK {
			t.Errorf("after Retry-After: got %d %s, want 200", w.Code, w.Body)
		}
	})
}

func TestConcurrentRequestsAreLimitedAtOnce(t *testing.T) {
	inProcess(t, emulator.Limits{Concurrent: 2}, func(t *testing.T, ask func(...string) *httptest.ResponseRecorder) {
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() {
				if w := ask("X-Emulator-Fault: latency=1s"); w.Code != http.StatusOK {
					t.Errorf("got %d %s, want 200", w.Code, w.Body)
				}
			})
		}
		time.Sleep(time.Second / 2)
		throttle(t, ask(), "1", "0x80072326", "Number of concurrent requests exceeded the limit of 2.")
		group.Wait()
		if w := ask(); w.Code != http.StatusOK {
			t.Errorf("after the others: got %d %s, want 200", w.Code, w.Body)
		}
	})
}

func TestABatchIsOneRequest(t *testing.T) {
	s := emulator.Start(t, emulator.At(noon), emulator.Limited(emulator.Limits{Requests: 2}), emulator.Rows("accounts", emulator.Row{}, emulator.Row{}))
	body := strings.Repeat(onePart+"GET WhoAmI HTTP/1.1\n\n\n", 10) + "--b--\n"
	for _, status := range []int{200, 200, 429} {
		if r := batch(t, s, body); r.status != status {
			t.Errorf("got %d %s, want %d", r.status, r.body, status)
		}
	}
	if r := get(t, s, "/"); r.status != http.StatusOK {
		t.Errorf("outside the Web API: got %d, want 200", r.status)
	}
}

func TestWithoutLimitsNothingRunsOut(t *testing.T) {
	s := emulator.Start(t)
	for range 3 {
		h := get(t, s, "WhoAmI").header
		got := [3]string{h.Get("x-ms-ratelimit-burst-remaining-xrm-requests"), h.Get("x-ms-ratelimit-time-remaining-xrm-requests"), h.Get("x-ms-dop-hint")}
		if want := [3]string{"6000", "1,200.00", "4"}; got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

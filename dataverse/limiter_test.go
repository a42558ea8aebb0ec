package dataverse_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// limited opens a client whose waits cost no time, with limits of its own and the metadata fetched.
func limited(t *testing.T, s *service, l dataverse.Limits) *dataverse.Client {
	t.Helper()
	c := open(t, dataverse.Options{URL: "https://contoso.crm4.dynamics.com", Transport: lossy{inProcess{s}}, Limits: l})
	if _, err := c.Table(t.Context(), "account"); err != nil {
		t.Fatal(err)
	}
	return c
}

func read(ctx context.Context, c *dataverse.Client) error {
	_, err := c.Get(ctx, "account", accountID, dataverse.Query{Select: []string{"name"}})
	return err
}

// together runs n callers at once and waits for them.
func together(n int, call func()) {
	var all sync.WaitGroup
	for range n {
		all.Go(call)
	}
	all.Wait()
}

func TestNoWindowHoldsMoreRequestsThanTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var at []time.Time
		s := &service{rows: func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			at = append(at, time.Now())
			mu.Unlock()
			always(200, `{}`)(w, nil)
		}}
		const limit, window = 60, 3 * time.Second
		c := limited(t, s, dataverse.Limits{Requests: limit, Window: window})
		together(10, func() {
			for range 40 {
				if err := read(t.Context(), c); err != nil {
					t.Error(err)
				}
			}
		})
		for i, last := range at[limit:] {
			if took := last.Sub(at[i]); took < window {
				t.Fatalf("requests %d to %d came within %v, want at most %d in %v", i, i+limit, took, limit, window)
			}
		}
		if took := at[len(at)-1].Sub(at[0]); took > 7*window+window/2 { // 400 requests are 6.7 windows' worth
			t.Errorf("400 requests took %v, want them to use the limit", took)
		}
	})
}

func TestOneCallersPauseIsEverybodys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{rows: scripted(throttled("20"), always(200, `{}`))}
		c := limited(t, s, dataverse.Limits{})
		began := time.Now()
		call := func() {
			if err := read(t.Context(), c); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took < 20*time.Second || took > 22*time.Second {
				t.Errorf("a caller got its answer after %v, want the 20 s that the service asked one of them for", took)
			}
		}
		var first sync.WaitGroup
		first.Go(call)
		synctest.Wait()
		together(4, call)
		first.Wait()
		if n := len(s.requests()); n != 6 {
			t.Errorf("%d requests, want 6: only the first of five was sent twice", n)
		}
	})
}

func TestACallerWithoutTimeForThePauseLearnsWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{rows: scripted(throttled("20"), always(200, `{}`))}
		c := limited(t, s, dataverse.Limits{})
		go func() { _ = read(t.Context(), c) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		err := read(ctx, c)
		e, ok := errors.AsType[*dataverse.Error](err)
		if !ok || e.Kind != dataverse.Throttled || e.RetryAfter != 20*time.Second || !strings.Contains(e.Message, "exceeded the limit of 6000") || !strings.HasPrefix(e.Op, "get account") {
			t.Errorf("got %#v, want Throttled for 20 s in the service's words", err)
		}
		if time.Since(began) != 0 || len(s.requests()) != 1 {
			t.Errorf("took %v and %d requests, want an answer at once without one", time.Since(began), len(s.requests()))
		}
		time.Sleep(time.Minute)
	})
}

func TestACallerLearnsOfThePauseThoughNoPlaceIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{rows: scripted(throttled("20"), always(200, `{}`))}
		c := limited(t, s, dataverse.Limits{InFlight: 1})
		for range 2 { // one is throttled, the other waits for the end of the pause in the only place
			go func() { _ = read(t.Context(), c) }()
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		err := read(ctx, c)
		if dataverse.KindOf(err) != dataverse.Throttled || !strings.Contains(err.Error(), "exceeded the limit of 6000") || time.Since(began) != 0 {
			t.Errorf("got %v after %v, want the service's words at once", err, time.Since(began))
		}
		time.Sleep(time.Minute)
	})
}

func TestWhoHasNoDeadlineWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{rows: always(200, `{}`)}
		c := limited(t, s, dataverse.Limits{Requests: 10})
		together(5, func() {
			if err := read(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestNoMoreRequestsThanAllowedRunAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		s := &service{rows: func(w http.ResponseWriter, _ *http.Request) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Second)
			now.Add(-1)
			always(200, `{}`)(w, nil)
		}}
		c := limited(t, s, dataverse.Limits{InFlight: 3})
		began := time.Now()
		together(12, func() {
			if err := read(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
		if most.Load() != 3 || time.Since(began) != 4*time.Second {
			t.Errorf("%d at once, %v in all; want 3 at once and so 4 s", most.Load(), time.Since(began))
		}
	})
}

func TestACallerThatFindsNoFreePlaceLearnsWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{rows: func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(30 * time.Second)
			always(200, `{}`)(w, nil)
		}}
		c := limited(t, s, dataverse.Limits{InFlight: 1})
		go func() { _ = read(t.Context(), c) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := read(ctx, c); dataverse.KindOf(err) != dataverse.Throttled || !strings.Contains(err.Error(), "nothing was sent: the 1 requests") {
			t.Errorf("got %v, want Throttled that says that nothing was sent", err)
		}
		time.Sleep(time.Minute)
	})
}

func TestRequestsGoSlowerAfterA429AndRecover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{rows: scripted(throttled("1"), always(200, `{}`))}
		c := limited(t, s, dataverse.Limits{Requests: 1200, Window: time.Minute}) // 18.6 a second after a burst of 60
		took := func(n int) time.Duration {
			began := time.Now()
			for range n {
				if err := read(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			return time.Since(began)
		}
		if slow := took(47); slow < 4500*time.Millisecond {
			t.Errorf("47 requests after a 429 took %v, want about 5 s: half the rate, and no burst", slow)
		}
		for range 10 { // time to recover in: each calm stretch gives a sixteenth back
			time.Sleep(11 * time.Second)
			took(1)
		}
		took(60)
		if normal := took(186); normal > 11*time.Second {
			t.Errorf("186 requests took %v, want 10 s: the full rate again", normal)
		}
	})
}

func TestASecond429SlowsDownFurther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ok := always(200, `{}`)
		s := &service{rows: scripted(throttled("1"), ok, throttled("1"), ok)}
		c := limited(t, s, dataverse.Limits{Requests: 1200, Window: time.Minute}) // 18.6 a second after a burst of 60
		call := func() {
			if err := read(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		call()
		time.Sleep(11 * time.Second)
		call()
		began := time.Now()
		for range 25 {
			call()
		}
		if took := time.Since(began); took < 4*time.Second {
			t.Errorf("25 requests after a second 429 took %v, want about 5 s: a quarter of the rate", took)
		}
	})
}

func TestTooManyAtOnceHalvesWhatRunsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		tooMany := always(429, `{"error":{"code":"0x80072326","message":"Number of concurrent requests exceeded the limit of 52."}}`)
		s := &service{rows: scripted(tooMany, func(w http.ResponseWriter, _ *http.Request) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Second)
			now.Add(-1)
			always(200, `{}`)(w, nil)
		})}
		c := limited(t, s, dataverse.Limits{InFlight: 8})
		if err := read(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		most.Store(0)
		together(16, func() { _ = read(t.Context(), c) })
		if most.Load() != 4 {
			t.Errorf("%d at once, want 4 of the 8 allowed", most.Load())
		}
	})
}

func TestTheServicesCountIsBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{rows: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("x-ms-ratelimit-burst-remaining-xrm-requests", "0")
			w.Header().Set("x-ms-ratelimit-time-remaining-xrm-requests", "1,200.00")
			always(200, `{}`)(w, nil)
		}}
		c := limited(t, s, dataverse.Limits{Requests: 1200, Window: time.Minute})
		began := time.Now()
		for range 19 {
			if err := read(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 900*time.Millisecond || took > 1100*time.Millisecond {
			t.Errorf("19 requests took %v, want 1 s: the service has none left over", took)
		}
	})
}

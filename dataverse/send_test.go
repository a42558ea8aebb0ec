package dataverse_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

const throttledBody = `{"error":{"code":"0x80072322","message":"Number of requests exceeded the limit of 6000 over time window of 300 seconds."}}`

// scripted answers the first requests about rows with steps, one each, and all later ones with the last.
func scripted(steps ...http.HandlerFunc) http.HandlerFunc {
	next := make(chan http.HandlerFunc, len(steps))
	for _, s := range steps {
		next <- s
	}
	return func(w http.ResponseWriter, r *http.Request) {
		step := steps[len(steps)-1]
		select {
		case step = <-next:
		default:
		}
		step(w, r)
	}
}

func throttled(seconds string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", seconds)
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, throttledBody)
	}
}

// lost carries the request out and then loses the answer.
func lost(carriedOut func(*http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		carriedOut(r)
		w.Header().Set("X-Lost", "yes")
	}
}

// lossy loses the answers that are marked as lost, as a connection that breaks does.
type lossy struct{ http.RoundTripper }

func (l lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	if err == nil && resp.Header.Get("X-Lost") != "" {
		return nil, io.ErrUnexpectedEOF
	}
	return resp, err
}

// bubble opens a client whose waits cost no time.
func bubble(t *testing.T, s *service) *dataverse.Client {
	t.Helper()
	return open(t, dataverse.Options{URL: "https://contoso.crm4.dynamics.com", Transport: lossy{inProcess{s}}})
}

func TestThrottledRequestsWaitAsLongAsTheServiceAsks(t *testing.T) {
	for name, call := range map[string]func(context.Context, *dataverse.Client) error{
		"a read": func(ctx context.Context, c *dataverse.Client) error {
			_, err := c.Get(ctx, "account", accountID, dataverse.Query{})
			return err
		},
		"a change": func(ctx context.Context, c *dataverse.Client) error {
			_, err := c.Update(ctx, "account", accountID, dataverse.Values{"name": "A"})
			return err
		},
		"a delete": func(ctx context.Context, c *dataverse.Client) error { return c.Delete(ctx, "account", accountID) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{rows: scripted(throttled("7"), throttled("13"), always(200, `{}`))}
				began := time.Now()
				if err := call(t.Context(), bubble(t, s)); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took != 20*time.Second {
					t.Errorf("took %v, want the 7 s and 13 s that were asked for", took)
				}
			})
		})
	}
}

func TestACallerIsServedWhateverTheServiceMakesItWaitForBeforeItsDeadline(t *testing.T) {
	for name, steps := range map[string][]http.HandlerFunc{
		"one long pause":  {throttled("150")},
		"many short ones": slices.Repeat([]http.HandlerFunc{throttled("3")}, 20),
		"none is told":    slices.Repeat([]http.HandlerFunc{always(429, throttledBody)}, 7),
		"and 503 between": {throttled("1"), throttled("1"), throttled("1"), always(503, ``), throttled("1"), throttled("1"), always(503, ``)},
		"of a clock that is ahead": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			throttled(time.Now().Add(time.Hour+time.Minute).UTC().Format(http.TimeFormat))(w, r)
		}},
		"of an HTTP date": {func(w http.ResponseWriter, r *http.Request) {
			throttled(time.Now().Add(3*time.Minute).UTC().Format(http.TimeFormat))(w, r)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{rows: scripted(append(slices.Clone(steps), always(200, `{}`))...)}
				ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
				defer cancel()
				if err := read(ctx, bubble(t, s)); err != nil {
					t.Error(err)
				}
				if n := len(s.requests()); n != len(steps)+1 {
					t.Errorf("%d requests, want %d", n, len(steps)+1)
				}
			})
		})
	}
}

func TestAWaitPastTheDeadlineIsNotBegun(t *testing.T) {
	for name, seconds := range map[string]string{"of the caller": "30", "of the client": "3600"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{rows: throttled(seconds)}
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				began := time.Now()
				_, err := bubble(t, s).Get(ctx, "account", accountID, dataverse.Query{})
				e, ok := errors.AsType[*dataverse.Error](err)
				if !ok || e.Kind != dataverse.Throttled || e.RetryAfter == 0 || e.Code != "0x80072322" {
					t.Errorf("got %#v, want Throttled with RetryAfter", err)
				}
				if took := time.Since(began); took != 0 || len(s.requests()) != 1 {
					t.Errorf("took %v and %d requests, want an answer at once", took, len(s.requests()))
				}
			})
		})
	}
}

func TestReadsAreRepeatedWithGrowingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{rows: always(503, ``)}
		began := time.Now()
		_, err := bubble(t, s).Get(t.Context(), "account", accountID, dataverse.Query{})
		if kind := dataverse.KindOf(err); kind != dataverse.Unavailable {
			t.Errorf("kind %q (%v), want %q", kind, err, dataverse.Unavailable)
		}
		if n := len(s.requests()); n != 5 {
			t.Errorf("%d attempts, want 5", n)
		}
		// 0.5, 1, 2 and 4 s, each half to one and a half times as long.
		if took := time.Since(began); took < 3750*time.Millisecond || took > 11250*time.Millisecond {
			t.Errorf("took %v, want 3.75 to 11.25 s", took)
		}
	})
}

func TestChangesOfUnknownOutcomeAreNotRepeated(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"gateway time-out":                  always(504, ``),
		"broken off":                        lost(func(*http.Request) {}),
		"a fault that is not the service's": always(500, `<h1>Server Error</h1>`),
		"an answer that makes no sense":     always(200, `{"accountid":`),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{rows: answer}
				c := bubble(t, s)
				_, err := c.Update(t.Context(), "account", accountID, dataverse.Values{"name": "A"})
				if n := len(s.requests()); n != 1 {
					t.Errorf("sent %d times, want once", n)
				}
				if e, ok := errors.AsType[*dataverse.Error](err); !ok || !e.InDoubt || !strings.Contains(err.Error(), "not known") {
					t.Errorf("got %v, want an error that says that the outcome is not known", err)
				}
			})
		})
	}
}

func TestACreateWhoseAnswerWasLostSucceedsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := map[string]int{}
		duplicate := always(412, `{"error":{"code":"0x80040237","message":"Cannot insert duplicate key."}}`)
		s := &service{}
		s.rows = func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			switch {
			case r.Method == http.MethodGet:
				always(200, `{}`)(w, r)
			case made[string(body)] == 0:
				lost(func(*http.Request) { made[string(body)]++ })(w, r)
			default:
				duplicate(w, r)
			}
		}
		id, err := bubble(t, s).Create(t.Context(), "account", dataverse.Values{"name": "Contoso"})
		if err != nil {
			t.Fatal(err)
		}
		if len(made) != 1 || !strings.Contains(s.requests()[0].Body, id) {
			t.Errorf("made %v with id %s, want one row with this id", made, id)
		}
	})
}

func TestADuplicateThatIsNotOurRowIsAConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		duplicate := always(412, `{"error":{"code":"0x80040237","message":"A record with matching key values already exists."}}`)
		missing := always(404, `{"error":{"code":"0x80040217","message":"Entity 'account' With Id = x Does Not Exist"}}`)
		s := &service{rows: scripted(lost(func(*http.Request) {}), duplicate, missing)}
		_, err := bubble(t, s).Create(t.Context(), "account", dataverse.Values{"accountnumber": "A1"})
		if kind := dataverse.KindOf(err); kind != dataverse.Conflict {
			t.Errorf("kind %q (%v), want %q", kind, err, dataverse.Conflict)
		}
	})
}

func TestACreateOfUnknownOutcomeNamesTheRowToLookFor(t *testing.T) {
	duplicate := always(412, `{"error":{"code":"0x80040237","message":"A record with matching key values already exists."}}`)
	for name, answers := range map[string]http.HandlerFunc{
		"no answer":                             always(504, ``),
		"a duplicate that cannot be looked for": scripted(lost(func(*http.Request) {}), duplicate, always(403, ``)),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{rows: answers}
				_, err := bubble(t, s).Create(t.Context(), "account", dataverse.Values{"name": "Contoso"})
				e, ok := errors.AsType[*dataverse.Error](err)
				if !ok || e.Kind != dataverse.Unavailable || !e.InDoubt {
					t.Fatalf("got %v, want Unavailable and in doubt", err)
				}
				id := strings.TrimPrefix(e.Op, "create account ")
				if len(id) != len(accountID) || !strings.Contains(s.requests()[0].Body, id) {
					t.Errorf("operation %q: want the id that was sent: %s", e.Op, s.requests()[0].Body)
				}
			})
		})
	}
}

func TestACreateWithAnIDFromOutsideIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{rows: lost(func(*http.Request) {})}
		_, err := bubble(t, s).Create(t.Context(), "account", dataverse.Values{"accountid": accountID})
		if n := len(s.requests()); n != 1 || dataverse.KindOf(err) != dataverse.Unavailable {
			t.Errorf("sent %d times (%v), want once and Unavailable", n, err)
		}
	})
}

func TestADeleteWhoseAnswerWasLostSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		missing := always(404, `{"error":{"code":"0x80040217","message":"Entity 'account' With Id = x Does Not Exist"}}`)
		s := &service{rows: scripted(lost(func(*http.Request) {}), missing)}
		if err := bubble(t, s).Delete(t.Context(), "account", accountID); err != nil {
			t.Error(err)
		}
		if err := bubble(t, s).Delete(t.Context(), "account", accountID); dataverse.KindOf(err) != dataverse.NotFound {
			t.Errorf("a row that was never there: got %v, want NotFound", err)
		}
	})
}

func TestAConflictAfterALostAnswerSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stale := always(412, `{"error":{"code":"0x80060882","message":"The version of the existing record doesn't match the RowVersion property provided."}}`)
		s := &service{rows: scripted(lost(func(*http.Request) {}), stale)}
		_, err := bubble(t, s).Update(t.Context(), "account", accountID, dataverse.Values{"name": "A"}, dataverse.IfMatch(`W/"1"`))
		if e, ok := errors.AsType[*dataverse.Error](err); !ok || e.Kind != dataverse.Conflict || !e.InDoubt || !strings.Contains(err.Error(), "first attempt was lost") {
			t.Errorf("got %v, want Conflict that tells of the lost answer", err)
		}
	})
}

func TestACallerThatGivesUpEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{rows: throttled("50")}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		began := time.Now()
		_, err := bubble(t, s).Get(ctx, "account", accountID, dataverse.Query{})
		if took := time.Since(began); took != 3*time.Second || !errors.Is(err, context.Canceled) {
			t.Errorf("after %v: %v, want context.Canceled after 3 s", took, err)
		}
	})
}

func TestARequestWithoutAnAnswerTimesOutOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			attempts++
			<-r.Context().Done()
		})
		c := open(t, dataverse.Options{URL: "https://contoso.crm4.dynamics.com", Transport: cancelled{inProcess{hang}}, Timeout: 10 * time.Second})
		_, err := c.WhoAmI(t.Context())
		if want := "contoso.crm4.dynamics.com did not answer within 10s"; dataverse.KindOf(err) != dataverse.Unavailable || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want Unavailable: %s", err, want)
		}
		if attempts != 1 {
			t.Errorf("%d attempts, want 1: it had its full time", attempts)
		}
	})
}

// cancelled ends a request as net/http does when its time is over.
type cancelled struct{ http.RoundTripper }

func (c cancelled) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.RoundTripper.RoundTrip(r)
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	return resp, err
}

func TestATokenNeverFollowsARedirect(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		reached := false
		foreign := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
		s := &service{rows: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", foreign.URL+"/steal?secret=1")
			w.WriteHeader(status)
		}}
		server := httptest.NewServer(s)
		c := open(t, dataverse.Options{URL: server.URL, Transport: bearer{http.DefaultTransport}})
		_, err := c.Create(t.Context(), "account", dataverse.Values{"name": "A"})
		if reached || dataverse.KindOf(err) != dataverse.Unavailable || strings.Contains(err.Error(), "secret") {
			t.Errorf("%d: followed %v, got %v, want Unavailable without the address's query", status, reached, err)
		}
		server.Close()
		foreign.Close()
	}
}

const canary = "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.canary"

// bearer signs requests in as the transport of package auth does.
type bearer struct{ http.RoundTripper }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+canary)
	return b.RoundTripper.RoundTrip(r)
}

func TestAnswersLargerThanAllowedAreRefused(t *testing.T) {
	large := `{"name":"` + strings.Repeat("x", 100_000) + `"}`
	s := &service{rows: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip") // 100 kB, packed into a few hundred bytes
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, large)
		_ = z.Close()
	}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	for limit, want := range map[int64]dataverse.Kind{50_000: dataverse.Invalid, 200_000: ""} {
		c := open(t, dataverse.Options{URL: server.URL, MaxBody: limit})
		row, err := c.Get(t.Context(), "account", accountID, dataverse.Query{})
		if dataverse.KindOf(err) != want {
			t.Errorf("limit %d: got %v, want kind %q", limit, err, want)
		}
		if err == nil && len(row.String("name")) != 100_000 {
			t.Errorf("limit %d: %d bytes of name", limit, len(row.String("name")))
		}
	}
}

func TestEveryRequestCarriesTheUsualHeaders(t *testing.T) {
	s := &service{rows: always(200, `{"value":[]}`)}
	c := start(t, s)
	if _, err := c.Page(t.Context(), "account", dataverse.Query{Size: 50}, ""); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, name := range []string{"Accept", "OData-Version", "OData-MaxVersion", "Prefer", "User-Agent", "Accept-Encoding"} {
		got[name] = s.last(t).Header.Get(name)
	}
	want := map[string]string{
		"Accept": "application/json", "OData-Version": "4.0", "OData-MaxVersion": "4.0", "User-Agent": "dynamics-mcp", "Accept-Encoding": "gzip",
		"Prefer": `odata.maxpagesize=50,odata.include-annotations="OData.Community.Display.V1.FormattedValue,Microsoft.Dynamics.CRM.lookuplogicalname"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOnlyAnEnvironmentsAddressIsAccepted(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://contoso.crm4.dynamics.com":                 true,
		"https://contoso.crm4.dynamics.com/":                true,
		"https://contoso.crm4.dynamics.com/api/data/v9.2/":  true,
		"https://crm.contoso.com/Org":                       true,
		"http://127.0.0.1:8080":                             true,
		"":                                                  false,
		"contoso.crm4.dynamics.com":                         false,
		"http://contoso.crm4.dynamics.com":                  false,
		"https://user:pw@contoso.crm4.dynamics.com":         false,
		"https://contoso.crm4.dynamics.com/main.aspx?app=1": false,
		"ftp://contoso.crm4.dynamics.com":                   false,
		"https://%zz":                                       false,
	} {
		_, err := dataverse.New(dataverse.Options{URL: url})
		if (err == nil) != ok || err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("%q: got %v, want accepted %v", url, err, ok)
		}
	}
}

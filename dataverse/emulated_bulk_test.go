package dataverse_test

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// forgetful loses some of the answers to writes after the service has carried them out.
type forgetful struct {
	http.RoundTripper
	mu   sync.Mutex
	dice *rand.Rand
	one  int // in so many
	lost int
}

func (f *forgetful) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := f.RoundTripper.RoundTrip(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil || r.Method == http.MethodGet || f.dice.IntN(f.one) > 0 {
		return resp, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	f.lost++
	return nil, io.ErrUnexpectedEOF
}

func forgetting(t *testing.T, one int) (*dataverse.Client, *forgetful) {
	t.Helper()
	server := emulator.Start(t)
	f := &forgetful{RoundTripper: signedIn{server.Token}, dice: rand.New(rand.NewPCG(3, 4)), one: one}
	return open(t, dataverse.Options{URL: server.URL, Transport: f, Limits: unlimited}), f
}

// exactly fails unless the table has n rows, with n different names.
func exactly(t *testing.T, c *dataverse.Client, n int) {
	t.Helper()
	names := map[string]bool{}
	rows := 0
	for row, err := range c.Rows(t.Context(), "account", dataverse.Query{Select: []string{"name"}}) {
		if err != nil {
			t.Fatal(err)
		}
		rows++
		names[row.String("name")] = true
	}
	if rows != n || len(names) != n {
		t.Errorf("%d rows with %d names, want %d", rows, len(names), n)
	}
}

func TestAThousandCreatesMakeAThousandRowsThoughAnswersAreLost(t *testing.T) {
	t.Run("one by one", func(t *testing.T) {
		t.Parallel() // waiting is what takes time here
		c, f := forgetting(t, 10)
		var all sync.WaitGroup
		for worker := range 20 {
			all.Go(func() {
				for i := range 50 {
					if _, err := c.Create(t.Context(), "account", dataverse.Values{"name": fmt.Sprint(worker, "-", i)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		exactly(t, c, 1000)
		t.Logf("%d answers were lost", f.lost)
	})
	t.Run("in batches", func(t *testing.T) {
		t.Parallel() // waiting is what takes time here
		c, f := forgetting(t, 3)
		for part := range 5 {
			ops := creates(200)
			for i := range ops {
				ops[i].Values["name"] = fmt.Sprint(part, "-", i)
			}
			for i, r := range batch(t, c, ops, dataverse.BatchOptions{Atomic: part%2 == 1}) {
				if r.Err != nil || r.ID == "" {
					t.Fatalf("operation %d: %+v", i, r)
				}
			}
		}
		exactly(t, c, 1000)
		t.Logf("%d answers were lost", f.lost)
	})
}

func TestManyRowsAreMadeOnceWhateverGoesWrong(t *testing.T) {
	for name, faults := range map[string][]emulator.Fault{
		"answers are lost, whole or half": {
			{Fault: "break=after", Method: "POST", Path: `CreateMultiple|\$batch`, Share: 0.3},
			{Fault: "break=midway", Method: "POST", Path: `CreateMultiple|\$batch`, Share: 0.2},
		},
		"no bulk message, and the service is busy inside the batch": {
			{Fault: "status=403; code=0x80040220", Path: "sdkmessagefilters"},
			{Fault: "status=429; retry-after=1", Method: "POST", Path: "/accounts$", Share: 0.1, Times: 40},
			{Fault: "status=503", Method: "POST", Path: "/accounts$", Share: 0.1, Times: 40},
		},
		"the whole request is throttled": {{Fault: "status=429; retry-after=1", Method: "POST", Times: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // waiting is what takes time here
			c := emulated(t, emulator.Faults(faults...))
			for i, r := range createMany(t, c, named(1000)) {
				if r.Err != nil || r.ID == "" {
					t.Fatalf("row %d: %+v", i, r)
				}
			}
			exactly(t, c, 1000)
		})
	}
}

func TestTheServicesOwnLimitsAreKept(t *testing.T) {
	t.Parallel() // waiting is what takes time here
	server := emulator.Start(t, emulator.Limited(emulator.Limits{Requests: 50, Window: 2 * time.Second}))
	log := &strings.Builder{}
	c := open(t, dataverse.Options{
		URL: server.URL, Transport: signedIn{server.Token}, Limits: dataverse.Limits{Requests: 50, Window: 2 * time.Second},
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	for range 80 {
		if _, err := c.Count(t.Context(), "account", ""); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(log.String(), "status=429") {
		t.Errorf("the client met the limit that it is to keep below:\n%s", log)
	}
}

func TestABatchOnTheEmulator(t *testing.T) {
	c := emulated(t)
	contact := create(t, c, "contact", dataverse.Values{"lastname": "McKay"})
	account := create(t, c, "account", dataverse.Values{"name": "Contoso"})
	results := batch(t, c, []dataverse.Operation{
		{Action: dataverse.CreateRow, Table: "account", Values: dataverse.Values{"name": "Ä & B", "primarycontactid": "contact(" + contact + ")"}},
		{Action: dataverse.UpdateRow, Table: "account", ID: account, Values: dataverse.Values{"industrycode": "Consulting"}},
		{Action: dataverse.UpdateRow, Table: "account", ID: otherID, Values: dataverse.Values{"name": "C"}},
		{Action: dataverse.UpsertRow, Table: "account", ID: otherID, Values: dataverse.Values{"name": "C"}},
		{Action: dataverse.UpsertRow, Table: "account", ID: "accountnumber='A1'", Values: dataverse.Values{"name": "D"}},
		{Action: dataverse.DeleteRow, Table: "contact", ID: contactID},
	}, dataverse.BatchOptions{})
	for i, want := range []dataverse.Kind{"", "", dataverse.NotFound, "", "", dataverse.NotFound} {
		r := results[i]
		got := dataverse.Kind("")
		if r.Err != nil {
			got = r.Err.Kind
		}
		if got != want || r.Position != i || r.Err != nil && r.Err.InDoubt {
			t.Errorf("operation %d: %+v, want kind %q", i, r, want)
		}
	}
	if !results[0].Created || !results[3].Created || !results[4].Created || results[1].Created || results[1].ETag == "" || results[4].ID == "" {
		t.Errorf("got %+v", results)
	}
	if row := get(t, c, "account", results[0].ID, dataverse.Query{}); row.String("name") != "Ä & B" || row.Value("primarycontactid").Raw != contact {
		t.Errorf("got %+v", row)
	}
}

func TestAnAtomicBatchOnTheEmulatorLeavesNothingBehind(t *testing.T) {
	c := emulated(t)
	ops := creates(3)
	ops = append(ops, dataverse.Operation{Action: dataverse.DeleteRow, Table: "account", ID: otherID})
	results, err := c.Batch(t.Context(), ops, dataverse.BatchOptions{Atomic: true})
	if dataverse.KindOf(err) != dataverse.NotFound || results != nil || !strings.Contains(err.Error(), "operation 4") {
		t.Errorf("got %v, %v, want the fourth operation's error", results, err)
	}
	exactly(t, c, 0)
	batch(t, c, ops[:3], dataverse.BatchOptions{Atomic: true})
	exactly(t, c, 3)
}

func TestManyRowsOnTheEmulator(t *testing.T) {
	c := emulated(t)
	made := createMany(t, c, named(450))
	rows := make([]dataverse.RowValues, len(made))
	for i, r := range made {
		if r.Err != nil {
			t.Fatalf("row %d: %v", i, r.Err)
		}
		rows[i] = dataverse.RowValues{ID: r.ID, Values: dataverse.Values{"name": fmt.Sprint("B", i)}}
	}
	rows[3].ID = otherID // not there: an update leaves it so, an upsert makes it
	for _, many := range []func() ([]dataverse.Result, error){
		func() ([]dataverse.Result, error) { return c.UpdateMany(t.Context(), "account", rows) },
		func() ([]dataverse.Result, error) { return c.UpsertMany(t.Context(), "account", rows) },
	} {
		results, err := many()
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if r.Err != nil && (i != 3 || r.Err.Kind != dataverse.NotFound) {
				t.Errorf("row %d: %v", i, r.Err)
			}
		}
	}
	if n, err := c.Count(t.Context(), "account", "startswith(name,'B')"); err != nil || n.N != 450 {
		t.Errorf("%d rows were changed or made, %v, want 450", n.N, err)
	}
	exactly(t, c, 451)
}

// BenchmarkCreate makes 1,000 rows, one by one and by one call: in this process, and 2 ms away, which is nearer than any
// data centre.
func BenchmarkCreate(b *testing.B) {
	for _, away := range []time.Duration{0, 2 * time.Millisecond} {
		server := emulator.Start(b)
		c := open(b, dataverse.Options{URL: server.URL, Transport: distant{signedIn{server.Token}, away}, Limits: unlimited})
		b.Run(fmt.Sprintf("one by one, %v away", away), func(b *testing.B) {
			for b.Loop() {
				for _, v := range named(1000) {
					if _, err := c.Create(b.Context(), "account", v); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run(fmt.Sprintf("by one call, %v away", away), func(b *testing.B) {
			for b.Loop() {
				results, err := c.CreateMany(b.Context(), "account", named(1000))
				if err != nil || len(results) != 1000 {
					b.Fatal(err)
				}
				for _, r := range results {
					if r.Err != nil {
						b.Fatal(r.Err)
					}
				}
			}
		})
	}
}

// distant takes its time for every request.
type distant struct {
	http.RoundTripper
	away time.Duration
}

func (d distant) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(d.away)
	return d.RoundTripper.RoundTrip(r)
}

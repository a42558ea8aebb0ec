package dataverse_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// trouble is what goes wrong with the requests of a call.
type trouble struct {
	name   string
	rules  []emulator.Fault // method and path are the call's
	ends   bool             // it is over before the client gives up
	sure   bool             // what was refused was certainly not carried out
	kind   dataverse.Kind   // of the error, where there is one
	within time.Duration    // the caller is told; 0 is five minutes
}

func once(fault string) []emulator.Fault  { return []emulator.Fault{{Fault: fault, Times: 1}} }
func twice(fault string) []emulator.Fault { return []emulator.Fault{{Fault: fault, Times: 2}} }
func ever(fault string) []emulator.Fault  { return []emulator.Fault{{Fault: fault}} }

// second spares the first request.
func second(rules []emulator.Fault) []emulator.Fault {
	return append(once("latency=1ms"), rules...)
}

var troubles = []trouble{
	{name: "none", ends: true, sure: true},
	{name: "429 twice", rules: twice("status=429; retry-after=2"), ends: true, sure: true},
	{name: "429 without Retry-After", rules: twice("status=429"), ends: true, sure: true},
	{name: "429 for ten minutes", rules: ever("status=429; retry-after=600"), sure: true, kind: dataverse.Throttled, within: time.Second},
	{name: "429 for ever", rules: ever("status=429; retry-after=1"), sure: true, kind: dataverse.Throttled},
	{name: "503 twice", rules: twice("status=503; retry-after=1"), ends: true, kind: dataverse.Unavailable},
	{name: "503 for ever", rules: ever("status=503"), kind: dataverse.Unavailable},
	{name: "deadlock", rules: once("status=500; code=0x80044150"), ends: true, kind: dataverse.Unavailable},
	{name: "connection ends before", rules: once("break=before"), ends: true, kind: dataverse.Unavailable},
	{name: "connection always ends before", rules: ever("break=before"), kind: dataverse.Unavailable},
	{name: "answer lost", rules: once("break=after"), ends: true, kind: dataverse.Unavailable},
	{name: "answers always lost", rules: ever("break=after"), kind: dataverse.Unavailable},
	{name: "half an answer", rules: once("break=midway"), ends: true, kind: dataverse.Unavailable},
	{name: "always half an answer", rules: ever("break=midway"), kind: dataverse.Unavailable},
	{name: "half of the second answer", rules: second(once("break=midway")), ends: true, kind: dataverse.Unavailable},
	{name: "second answer lost", rules: second(once("break=after")), ends: true, kind: dataverse.Unavailable},
	{name: "slow", rules: ever("latency=10s"), ends: true, sure: true},
	{name: "slower than anybody waits", rules: ever("latency=1h"), kind: dataverse.Unavailable, within: 11 * time.Minute},
	{name: "token expired", rules: ever("token=expired"), sure: true, kind: dataverse.Denied, within: time.Second},
	{name: "token expires after the first page", rules: second(ever("token=expired")), sure: true, kind: dataverse.Denied, within: time.Second},
}

// inTrouble is the emulator that calls are made to.
type inTrouble struct {
	emulator *emulator.Emulator
	calm     *dataverse.Client // meets no trouble
}

// transport signs in and reaches the emulator without a port, so that synctest can move the clock; what follows changes
// comes in pages of two.
type transport struct{ road http.RoundTripper }

func (r transport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+emulator.DefaultToken)
	if strings.Contains(req.Header.Get("Prefer"), "track-changes") {
		req.Header.Add("Prefer", "odata.maxpagesize=2")
	}
	return r.road.RoundTrip(req)
}

func (w *inTrouble) road() http.RoundTripper { return transport{emulator.Transport(w.emulator)} }

func (w *inTrouble) open(t *testing.T) *dataverse.Client {
	t.Helper()
	return open(t, dataverse.Options{URL: "http://localhost", Transport: w.road()})
}

func TestEveryCallEndsWellOrSaysSoUnderEveryTrouble(t *testing.T) {
	e, err := emulator.New(t.Context(), emulator.Options{Empty: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	w := &inTrouble{emulator: e}
	w.calm = open(t, dataverse.Options{URL: "http://localhost", Transport: w.road(), Limits: unlimited})
	makeElastic(t, w.road(), "http://localhost")
	for i := range 5 {
		create(t, w.calm, "account", dataverse.Values{"name": fmt.Sprint("read", i), "accountnumber": fmt.Sprint("read", i)})
	}
	for i, call := range slices.Concat(reads, writes) {
		for j, trouble := range troubles {
			t.Run(call.name+", "+trouble.name, func(t *testing.T) {
				rows := w.prepare(t, call, fmt.Sprintf("%d-%d-", i, j))
				w.cause(t, call, trouble)
				var failed []error
				var took time.Duration
				synctest.Test(t, func(t *testing.T) {
					started := time.Now()
					failed = call.run(t.Context(), w.open(t), rows)
					took = time.Since(started)
				})
				w.faults(t, http.MethodDelete, nil)
				if took > cmp.Or(trouble.within, 5*time.Minute) {
					t.Errorf("it took %v", took)
				}
				judge(t, call, trouble, failed, w.effects(t, call, rows))
			})
		}
	}
}

// prepare makes the rows that are there before the call.
func (w *inTrouble) prepare(t *testing.T, call called, name string) []written {
	t.Helper()
	rows := make([]written, call.writes)
	for i := range rows {
		rows[i] = written{id: uuid.NewString(), name: fmt.Sprint("new", name, i), number: fmt.Sprint(name, i)}
		if call.fresh {
			continue
		}
		v := dataverse.Values{"accountid": rows[i].id, "name": rows[i].name, "accountnumber": rows[i].number}
		if !call.deletes {
			v["name"] = "old"
		}
		if call.table != "" {
			create(t, w.calm, call.table, dataverse.Values{call.table + "id": rows[i].id, "new_name": v["name"]})
			continue
		}
		create(t, w.calm, "account", v)
		rows[i].etag = get(t, w.calm, "account", rows[i].id, dataverse.Query{Select: []string{"name"}}).ETag
	}
	return rows
}

// cause makes the trouble with the requests of the call.
func (w *inTrouble) cause(t *testing.T, call called, trouble trouble) {
	t.Helper()
	rules := slices.Clone(trouble.rules)
	for i := range rules {
		rules[i].Path = cmp.Or(call.path, `/accounts\b|\$batch`)
	}
	w.faults(t, http.MethodPost, rules)
}

func (w *inTrouble) faults(t *testing.T, method string, rules []emulator.Fault) {
	t.Helper()
	body, err := json.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost/emulator/faults", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := w.road().RoundTrip(r)
	if err != nil || answer.StatusCode >= 300 {
		t.Fatalf("%s faults: %v, %v", method, answer, err)
	}
	_ = answer.Body.Close()
}

// effects are how often each row was written.
func (w *inTrouble) effects(t *testing.T, call called, rows []written) []int64 {
	t.Helper()
	times := make([]int64, len(rows))
	for i, row := range rows {
		table, column := "account", "name"
		if call.table != "" {
			table, column = call.table, "new_name"
		}
		n, err := w.calm.Count(t.Context(), table, column+" eq '"+row.name+"'")
		if err != nil {
			t.Fatal(err)
		}
		if times[i] = n.N; call.deletes {
			times[i] = 1 - n.N
		}
	}
	return times
}

// judge holds the errors of a call against what it did.
func judge(t *testing.T, call called, trouble trouble, failed []error, effects []int64) {
	t.Helper()
	if len(failed) != max(1, call.writes) {
		t.Fatalf("got %d errors, want one for each row", len(failed))
	}
	reads := call.writes == 0
	for i, err := range failed {
		e, ok := errors.AsType[*dataverse.Error](err)
		switch {
		case err == nil:
		case !ok:
			t.Errorf("got %v", err)
		case trouble.ends && (reads || trouble.sure || call.safe):
			t.Errorf("got %v, want the call to get over it", err)
		case call.version && e.Kind == dataverse.Conflict && e.InDoubt:
		case e.Kind != trouble.kind:
			t.Errorf("got %v (%s), want kind %s", err, e.Kind, trouble.kind)
		case trouble.kind == dataverse.Throttled && e.RetryAfter == 0:
			t.Errorf("got %v, want how long to wait", err)
		case e.InDoubt && (reads || trouble.sure):
			t.Errorf("got %v, want no doubt", err)
		}
		switch {
		case reads:
		case effects[i] < 0 || effects[i] > 1:
			t.Errorf("row %d was written %d times", i, effects[i])
		case call.whole && effects[i] != effects[0]:
			t.Errorf("rows were written %v times, want all or none", effects)
		case err == nil && effects[i] != 1:
			t.Errorf("row %d was not written, and nobody said so", i)
		case ok && !e.InDoubt && effects[i] != 0:
			t.Errorf("row %d was written, and the error does not say that it may be: %v", i, err)
		}
	}
}

package observe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

const guid = "7f3a1c52-0b1e-4a57-9c3d-2f6f1f7f0a11"

func audit(to *File, required bool) Audit {
	return Audit{
		Write: JSONLines(to), Required: required, Log: slog.New(slog.DiscardHandler),
		Caller: func(context.Context) string { return "alex" }, Trace: func(context.Context) string { return "" },
	}
}

func deletion() tools.Call {
	return tools.Call{
		ID: "1", Tool: "delete_record", Effect: tools.Destroys, Connection: "default",
		Subject:   tools.Subject{Table: "contact", IDs: []string{"emailaddress1='kim@example.com'"}},
		Arguments: json.RawMessage(`{"table":"contact","id":"emailaddress1='kim@example.com'"}`),
	}
}

func lines(t *testing.T, path string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]any
	for line := range strings.Lines(string(text)) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		out = append(out, v)
	}
	return out
}

func TestAuditLineTellsWhoDidWhatToWhich(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	_, end, err := audit(NewFile(path, false), false).Observer()(t.Context(), deletion())
	if err != nil {
		t.Fatal(err)
	}
	end(tools.Outcome{
		Subject: tools.Subject{Table: "contact", IDs: []string{"contact(" + strings.ToUpper(guid) + ")"}},
		Took:    1500 * time.Microsecond, Bytes: 80,
		Kind: dataverse.Denied, Err: &dataverse.Error{Kind: dataverse.Denied, Message: "Kim may not", RequestID: "r-1"},
	})
	got := lines(t, path)
	want := map[string]any{
		"event": "tool called", "call": "1", "tool": "delete_record", "effect": "destroys", "connection": "default", "caller": "alex",
		"arguments_sha256": "ef86e5a8c2a5c9f4f0a7f0b5", "table": "contact", "ids": []any{guid}, "records": 1.0,
		"outcome": "denied", "rows": 0.0, "reply_bytes": 80.0, "took_ms": 1.5, "request_id": "r-1",
	}
	if len(got) != 1 {
		t.Fatalf("got %d lines, want 1", len(got))
	}
	if sum, _ := got[0]["arguments_sha256"].(string); len(sum) != 64 {
		t.Errorf("arguments_sha256: got %q, want 64 hexadecimal digits", sum)
	}
	delete(got[0], "time")
	want["arguments_sha256"] = got[0]["arguments_sha256"]
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
}

func TestACallThatItsCallerCancelledIsNoFailureOfAnything(t *testing.T) {
	given := fmt.Errorf("get contact: %w", context.Canceled)
	if got := outcome(tools.Outcome{Kind: dataverse.Unavailable, Err: given}); got != "cancelled" {
		t.Errorf("%v: got %q, want cancelled", given, got)
	}
	given = fmt.Errorf("get contact: %w", context.DeadlineExceeded)
	if got := outcome(tools.Outcome{Kind: dataverse.Unavailable, Err: given}); got != "unavailable" {
		t.Errorf("%v: got %q, want unavailable", given, got)
	}
}

func TestAuditLineHoldsNothingOfARecordUnlessToldTo(t *testing.T) {
	for told, want := range map[bool]int{false: 0, true: 2} {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		a := audit(NewFile(path, true), true)
		a.Arguments = told
		_, end, err := a.Observer()(t.Context(), deletion())
		if err != nil {
			t.Fatal(err)
		}
		end(tools.Outcome{Subject: deletion().Subject, Kind: dataverse.NotFound, Err: errors.New("no kim@example.com")})
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Count(text, []byte("kim@example.com")); got != want {
			t.Errorf("arguments told: %t: address is there %d times, want %d: %s", told, got, want, text)
		}
	}
}

func TestRequiredAuditHasALineBeforeTheCallAndOneAfter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	_, end, err := audit(NewFile(path, true), true).Observer()(t.Context(), deletion())
	if err != nil {
		t.Fatal(err)
	}
	if got := lines(t, path); len(got) != 1 || got[0]["event"] != "tool is called" || got[0]["outcome"] != nil {
		t.Errorf("before the call: got %v, want one line without outcome", got)
	}
	end(tools.Outcome{})
	if got := lines(t, path); len(got) != 2 || got[1]["outcome"] != "ok" || got[0]["call"] != got[1]["call"] {
		t.Errorf("after the call: got %v, want two lines of one call", got)
	}
}

func TestRequiredAuditRefusesCallsWhileTheDiskIsFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		return // only Linux has a disk that is always full
	}
	for _, required := range []bool{true, false} {
		var log bytes.Buffer
		a := audit(NewFile("/dev/full", required), required)
		a.Log = slog.New(slog.NewTextHandler(&log, nil))
		observe := a.Observer()
		for range 3 {
			_, end, err := observe(t.Context(), deletion())
			if (err != nil) != required {
				t.Errorf("required %t: got error %v", required, err)
			}
			if end != nil {
				end(tools.Outcome{})
			}
		}
		if got := strings.Count(log.String(), "no space left"); got != 1 {
			t.Errorf("required %t: the log tells %d times that the disk is full, want once: %s", required, got, &log)
		}
	}
}

func TestEveryOfManyConcurrentCallsHasItsLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	observe := audit(NewFile(path, true), true).Observer()
	var calls sync.WaitGroup
	const n = 10_000
	for range n {
		calls.Go(func() {
			_, end, err := observe(t.Context(), deletion())
			if err != nil {
				t.Error(err)
				return
			}
			end(tools.Outcome{})
		})
	}
	calls.Wait()
	if got := lines(t, path); len(got) != 2*n {
		t.Errorf("got %d lines for %d calls, want two each", len(got), n)
	}
}

func TestFileThatWasMovedAwayIsMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	for _, synced := range []bool{true, false} {
		f := NewFile(path, synced)
		for i, want := range []int{1, 2} {
			if _, err := f.Write([]byte("{}\n")); err != nil {
				t.Fatal(err)
			}
			if got := len(lines(t, path)); got != want {
				t.Errorf("line %d: the file has %d lines, want %d", i, got, want)
			}
		}
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("{}\n")); err != nil {
			t.Fatal(err)
		}
		if got := len(lines(t, path)); got != 1 {
			t.Errorf("after it was moved: %d lines, want 1", got)
		}
		if info, err := os.Stat(path); err != nil || os.PathSeparator == '/' && info.Mode().Perm() != 0o600 {
			t.Errorf("got mode %v %v, want 0600", info.Mode(), err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFileThatCannotBeMadeIsKnownBeforeItsFirstLine(t *testing.T) {
	dir := t.TempDir()
	if err := NewFile(filepath.Join(dir, "missing", "audit.jsonl"), true).Open(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
	if err := NewFile(filepath.Join(dir, "audit.jsonl"), true).Open(); err != nil {
		t.Error(err)
	}
}

func TestLineAfterATornOneStandsAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := NewFile(path, false)
	if _, err := f.Write([]byte(`{"torn":`)); err != nil {
		t.Fatal(err)
	}
	f.torn = true
	if _, err := f.Write([]byte("{}\n")); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if want := "{\"torn\":\n{}\n"; err != nil || string(got) != want {
		t.Errorf("got %q %v, want %q", got, err, want)
	}
}

func TestLinesOfAFailedSyncAreLostForGood(t *testing.T) {
	f := NewFile(filepath.Join(t.TempDir(), "audit.jsonl"), true)
	in, number, err := f.add([]byte("{}\n"))
	if err != nil {
		t.Fatal(err)
	}
	f.note(number, errors.New("disk is gone"))
	if err := f.sync(in, number); err == nil {
		t.Error("a line whose sync failed counts as written after all")
	}
	if _, err := f.Write([]byte("{}\n")); err != nil {
		t.Errorf("the next line: %v", err)
	}
}

func BenchmarkAudit(b *testing.B) {
	for name, required := range map[string]bool{"on": false, "required": true} {
		b.Run(name, func(b *testing.B) {
			observe := audit(NewFile(filepath.Join(b.TempDir(), "audit.jsonl"), required), required).Observer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_, end, err := observe(b.Context(), deletion())
					if err != nil {
						b.Error(err)
						return
					}
					end(tools.Outcome{})
				}
			})
		})
	}
}

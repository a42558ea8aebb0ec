package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

// ledger writes down every call that observers are told of.
type ledger struct {
	mu    sync.Mutex
	calls []string // tool and kind
}

func (l *ledger) observe(ctx context.Context, c tools.Call) (context.Context, func(tools.Outcome), error) {
	return ctx, func(o tools.Outcome) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.calls = append(l.calls, c.Tool+" "+string(o.Kind))
	}, nil
}

func (l *ledger) want(t *testing.T, calls ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.calls, calls) {
		t.Errorf("observers were told of %q, want %q", l.calls, calls)
	}
	l.calls = nil
}

func TestACallWithParamsOfAnotherTypeIsObservedAndToldSo(t *testing.T) {
	l := &ledger{}
	url := endpoint(t, Options{Observers: []tools.Observer{l.observe}})
	for params, says := range map[string]string{
		`{"name":5}`: "name: got number, want string", `{"inputResponses":"yes"}`: "inputResponses: got string, want object",
	} {
		_, _, got := send(t, http.MethodPost, url, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":`+params+`}`, nil, nil)
		if !strings.Contains(got, `"code":-32602,"message":"`+says+`"`) {
			t.Errorf("%s: got %s, want %s", params, got, says)
		}
		l.want(t, " invalid")
	}
	_, _, got := send(t, http.MethodPost, url, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_tables","requestState":5}}`, nil, nil)
	want(t, got, `"message":"requestState: got number, want string"`)
	l.want(t, "list_tables invalid")
	_, _, got = send(t, http.MethodPost, url, `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":5}}`, nil, nil)
	want(t, got, `"code":-32602`)
	l.want(t)
}

func TestACallTooManyIsObserved(t *testing.T) {
	l := &ledger{}
	f := newFixture(t, Options{Observers: []tools.Observer{l.observe}})
	url := serveFixture(t, f)
	call := func(tool string) *conversation {
		return open(t, http.MethodPost, url, modernCall("1", "tools/call", `"name":"`+tool+`","arguments":{},`, `{}`, ""), headersOf("tools/call", tool))
	}
	f.calls.held[""] = callsAtAll - 1
	var calls sync.WaitGroup
	calls.Go(func() { call("wait") })
	received(t, f.started, "the last call that there is room for")
	want(t, call("list_tables").next(), `"too many calls are under way for you`)
	l.want(t, "list_tables throttled")
	close(f.release)
	calls.Wait()
}

func TestACallThatAsksIsOneCallToThoseWhoWatch(t *testing.T) {
	for name, take := range map[string]road{"stdio": overStdio, "http": overSession} {
		t.Run(name, func(t *testing.T) {
			o := withTwoAccounts(t)
			var ends []string // of each call that began
			o.Observers = []tools.Observer{func(ctx context.Context, _ tools.Call) (context.Context, func(tools.Outcome), error) {
				ends = append(ends, "")
				return ctx, func(o tools.Outcome) { ends[len(ends)-1] += o.Status }, nil
			}}
			w := take(t, o)
			w.initialize(askingClient)
			w.legacy(deletion(contoso), `"result":`+decline)
			w.legacy(deletion(contoso), `"result":`+accept)
			if want := []string{"declined", "done"}; !slices.Equal(ends, want) {
				t.Errorf("got calls that ended %q, want %q", ends, want)
			}
		})
	}
}

func TestACallThatNoLineCanBeWrittenForAsksNobody(t *testing.T) {
	o := withTwoAccounts(t)
	o.Observers = []tools.Observer{func(ctx context.Context, _ tools.Call) (context.Context, func(tools.Outcome), error) {
		return ctx, nil, errors.New("the disk is full")
	}}
	w := overStdio(t, o)
	w.initialize(askingClient)
	if question, got := w.legacy(deletion(contoso), `"result":`+accept); question != "" || !got.IsError {
		t.Errorf("asked %q, got %+v, want a failure", question, got)
	}
}

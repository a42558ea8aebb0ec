package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// wireResult is the result of tools/call, as far as these tests read it.
type wireResult struct {
	ResultType        string
	IsError           bool
	StructuredContent struct{ Status, Deleted, Question, Confirmation, Message string }
	RequestState      string
	InputRequests     map[string]struct {
		Method string
		Params struct {
			Message         string
			RequestedSchema json.RawMessage
		}
	}
}

type wireMessage struct {
	ID     json.RawMessage
	Method string
	Params struct{ Message string }
	Result wireResult
	Error  *struct {
		Code    int
		Message string
	}
}

// wire is a client by hand: a road to the server that one message goes up and the next one comes down.
type wire struct {
	t      *testing.T
	send   func(message string) wireMessage
	id     int
	header http.Header // of every request; nil over stdio
}

// overStdio serves o on two pipes.
func overStdio(t *testing.T, o Options) *wire {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- s.ServeStdio(t.Context(), in, out) }()
	lines := bufio.NewReader(fromServer)
	t.Cleanup(func() {
		_ = toServer.Close()
		go func() { _, _ = io.Copy(io.Discard, lines) }() // ends with the pipe, below
		defer func() { _ = out.Close() }()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return &wire{t: t, send: func(message string) wireMessage {
		if _, err := io.WriteString(toServer, message+"\n"); err != nil {
			t.Fatal(err)
		}
		line, err := lines.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		return decoded(t, line)
	}}
}

// overHTTP posts each message by itself, as 2026-07-28 does.
func overHTTP(t *testing.T, o Options) *wire {
	t.Helper()
	return overURL(t, endpoint(t, o))
}

func overURL(t *testing.T, url string) *wire {
	header := http.Header{"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {"tools/call"}, "Mcp-Name": {"delete_record"}}
	return &wire{t: t, header: header, send: func(message string) wireMessage {
		_, _, text := send(t, http.MethodPost, url, message, header, nil)
		return decoded(t, eventData([]byte(text)))
	}}
}

// overSession posts as before 2026-07-28: what the server asks comes down the stream of the call, and the answer to it
// is a post of its own.
func overSession(t *testing.T, o Options) *wire {
	t.Helper()
	url, header := endpoint(t, o), http.Header{}
	var call *conversation
	return &wire{t: t, header: header, send: func(text string) wireMessage {
		c := open(t, http.MethodPost, url, text, header)
		if c.StatusCode != http.StatusAccepted {
			call = c
		}
		if id := c.Header.Get("Mcp-Session-Id"); id != "" {
			header.Set("Mcp-Session-Id", id)
		}
		return decoded(t, []byte(call.next()))
	}}
}

// eventData is the last message of an event stream, or an answer that is none as it is.
func eventData(text []byte) []byte {
	last := text
	for line := range bytes.Lines(text) {
		if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
			last = data
		}
	}
	return last
}

func decoded(t *testing.T, text []byte) (m wireMessage) {
	t.Helper()
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("no message: %q: %v", text, err)
	}
	if m.Error != nil {
		t.Fatalf("got the error %+v, want an answer", *m.Error)
	}
	return m
}

// modern calls delete_record as a client of 2026-07-28 with these capabilities; more are members of params.
func (w *wire) modern(capabilities, args, more string) wireResult {
	w.t.Helper()
	w.id++
	return w.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"delete_record","arguments":%s,"_meta":{`+
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":%s}%s}}`,
		w.id, args, capabilities, more)).Result
}

// initialize begins a session of the time before 2026-07-28.
func (w *wire) initialize(capabilities string) {
	w.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":%s,`+
		`"clientInfo":{"name":"test","version":"1"}}}`, capabilities))
}

// legacy calls delete_record and, when it is asked, answers with reply: a result or an error. It returns the question.
func (w *wire) legacy(args, reply string) (question string, result wireResult) {
	w.t.Helper()
	w.id++
	m := w.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"delete_record","arguments":%s}}`, w.id, args))
	if m.Method == "elicitation/create" {
		question = m.Params.Message
		m = w.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,%s}`, m.ID, reply))
	}
	return question, m.Result
}

type road func(*testing.T, Options) *wire

// modernRoads are the transports, each with a server of its own.
func modernRoads(t *testing.T, each func(t *testing.T, w *wire)) {
	for name, take := range map[string]road{"stdio": overStdio, "http": overHTTP} {
		t.Run(name, func(t *testing.T) { each(t, take(t, withTwoAccounts(t))) })
	}
}

// legacyRoads are the same for clients before 2026-07-28, which have these capabilities.
func legacyRoads(t *testing.T, capabilities string, each func(t *testing.T, w *wire)) {
	for name, take := range map[string]road{"stdio": overStdio, "http": overSession} {
		t.Run(name, func(t *testing.T) {
			w := take(t, withTwoAccounts(t))
			w.initialize(capabilities)
			each(t, w)
		})
	}
}

package server

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func by(caller string, h http.Header) http.Header {
	h.Set("X-Caller", caller)
	return h
}

func TestOneCallerLeavesSessionsToOthers(t *testing.T) {
	url := serveFixture(t, newFixture(t, Options{Authorize: byHeader}))
	bob := http.Header{"X-Caller": {"bob"}}
	first := initialize(t, url, `{}`, bob)
	for range sessionsEach {
		initialize(t, url, `{}`, bob)
	}
	if c := open(t, http.MethodPost, url, legacyTool("1", "nothing", ""), first); c.StatusCode != http.StatusNotFound {
		t.Errorf("bob's oldest of %d sessions: got %d, want it to have made way", sessionsEach+1, c.StatusCode)
	}
}

func TestOneCallerLeavesStreamsToOthers(t *testing.T) {
	url := serveFixture(t, newFixture(t, Options{Authorize: byHeader}))
	listen := func(caller string) *conversation {
		return open(t, http.MethodPost, url, modernCall("1", "subscriptions/listen", `"notifications":{"toolsListChanged":true},`, `{}`, ""),
			by(caller, headersOf("subscriptions/listen", "")))
	}
	var streams []*conversation
	for range streamsEach {
		streams = append(streams, listen("bob"))
	}
	if c := listen("bob"); c.StatusCode != http.StatusTooManyRequests || c.Header.Get("Retry-After") == "" {
		t.Errorf("one stream more: got %d %s, want 429 with Retry-After", c.StatusCode, c.next())
	}
	want(t, listen("alice").next(), "acknowledged")
	streams[0].close()
	for range 200 {
		if c := listen("bob"); c.StatusCode == http.StatusOK {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a stream after one of bob's has ended: got 429")
}

func TestOneCallerLeavesCallsToOthers(t *testing.T) {
	f := newFixture(t, Options{Authorize: byHeader})
	url := serveFixture(t, f)
	call := func(caller, tool string) *conversation {
		return open(t, http.MethodPost, url, modernCall("1", "tools/call", `"name":"`+tool+`","arguments":{},`, `{}`, ""), by(caller, headersOf("tools/call", tool)))
	}
	var calls sync.WaitGroup
	for range callsEach {
		calls.Go(func() { call("bob", "wait") })
	}
	for range callsEach {
		received(t, f.started, "a call of bob's")
	}
	if c := call("bob", "nothing"); c.StatusCode != http.StatusTooManyRequests || c.Header.Get("Retry-After") == "" {
		t.Errorf("one call more: got %d, want 429 with Retry-After", c.StatusCode)
	} else {
		want(t, c.next(), `"id":1`, `"code":-32603`)
	}
	want(t, call("alice", "nothing").next(), `"text":"ok"`)
	close(f.release)
	calls.Wait()
	want(t, call("bob", "nothing").next(), `"text":"ok"`)
}

func TestABodyThatTricklesInEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, newFixture(t, Options{}).Server)
		_, _ = io.WriteString(c, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
		began := time.Now()
		var client sync.WaitGroup
		defer client.Wait()
		defer c.Close()
		client.Go(func() {
			for range 1000 {
				if _, err := io.WriteString(c, " "); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if took := time.Since(began); answer.StatusCode != http.StatusRequestTimeout || took > bodyTimeout+time.Second {
			t.Errorf("got %d after %v, want 408 after %v", answer.StatusCode, took, bodyTimeout)
		}
	})
}

func TestAReplyThatNobodyReadsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, newFixture(t, Options{}).Server)
		request := fmt.Sprintf("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(legacyList), legacyList)
		_, _ = io.WriteString(c, request)
		time.Sleep(writeTimeout + time.Minute) // the client begins to read too late
		if text, err := io.ReadAll(c); err != nil || strings.Contains(string(text), "query_records") {
			t.Errorf("got %d bytes, %v, want the end of the connection", len(text), err)
		}
	})
}

func TestAConnectionServesAfterALongPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, newFixture(t, Options{}).Server)
		answers := bufio.NewReader(c)
		for _, target := range []string{"/healthz", "/mcp", "/none", "/readyz"} {
			_, _ = io.WriteString(c, "GET "+target+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
			answer, err := http.ReadResponse(answers, nil)
			if err != nil {
				t.Fatalf("%s after a pause: %v", target, err)
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			time.Sleep(50 * time.Second) // longer than a write may last
		}
	})
}

func TestShutdownLetsCallsOfOlderClientsEnd(t *testing.T) {
	f := newFixture(t, Options{})
	url := serveFixture(t, f)
	session := initialize(t, url, `{}`, nil)
	answer := make(chan string, 1)
	go func() { answer <- open(t, http.MethodPost, url, legacyTool("1", "wait", ""), session).next() }()
	received(t, f.started, "the call")
	f.Shutdown()
	close(f.release)
	want(t, <-answer, `"text":"done"`)
}

package test

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

const startLimit = 20 * time.Second

// setup gives each script two addresses of its own.
func setup(env *testscript.Env) error {
	for _, name := range []string{"ADDR", "ADDR2"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		env.Setenv(name, l.Addr().String())
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

// listening ADDRESS waits until somebody listens there.
func listening(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: listening ADDRESS")
	}
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", args[0]); err == nil {
			_ = conn.Close()
			return
		}
	}
	ts.Fatalf("nobody listens at %s after %s", args[0], startLimit)
}

// silent ADDRESS accepts connections there and never answers, until the script ends.
func silent(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: silent ADDRESS")
	}
	l, err := net.Listen("tcp", args[0])
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() }) // what waits to be accepted is accepted by the system and ends with it
}

// request METHOD URL REPLY [BODY [HEADER...]] sends the file BODY and writes status, headers and body to the file
// REPLY. BODY "-" is none.
func request(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: request METHOD URL REPLY [BODY [HEADER...]]")
	}
	body := ""
	if len(args) > 3 && args[3] != "-" {
		body = ts.ReadFile(args[3])
	}
	req, err := http.NewRequest(args[0], args[1], strings.NewReader(body))
	ts.Check(err)
	for _, header := range args[min(4, len(args)):] {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
	}
	resp, err := (&http.Client{Timeout: startLimit}).Do(req)
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }()
	var out bytes.Buffer
	ts.Check(resp.Write(&out))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), out.Bytes(), 0o600))
}

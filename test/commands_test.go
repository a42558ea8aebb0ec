package test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

const startLimit = 20 * time.Second

// addresses gives each script two addresses of its own. They lie below the ports that systems give to whoever asks for
// any, so that nobody else takes one before the script does.
func addresses() func(*testscript.Env) error {
	var next atomic.Int32
	next.Store(20_000 + int32(os.Getpid()%10_000)) //nolint:gosec // below 10,000
	return func(env *testscript.Env) error {
		for _, name := range []string{"ADDR", "ADDR2"} {
			for {
				address := fmt.Sprintf("127.0.0.1:%d", next.Add(1))
				l, err := net.Listen("tcp", address)
				if err == nil {
					env.Setenv(name, address)
					err = l.Close()
				}
				if err == nil {
					break
				}
				if next.Load() > 32_000 {
					return err
				}
			}
		}
		return nil
	}
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

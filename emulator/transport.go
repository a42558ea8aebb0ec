package emulator

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Transport is a road to h without a port: a client that uses it talks to h in its own process.
func Transport(h http.Handler) http.RoundTripper { return transport{h} }

type transport struct{ handler http.Handler }

// RoundTrip hands the request to the handler and returns what it wrote.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:0"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	w := &recorder{header: http.Header{}}
	if !w.serve(t.handler, in) && w.status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: fmt.Sprint(w.status, " ", http.StatusText(w.status)), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: io.NopCloser(w.reader()), ContentLength: w.length(), Request: r,
	}, nil
}

// recorder keeps an answer.
type recorder struct {
	header, sent http.Header
	status       int
	body         bytes.Buffer
	broken       bool // the handler broke off
}

// serve lets the handler answer, and reports whether it came to the end: as with a server on a port, the panic
// http.ErrAbortHandler only ends the connection.
func (w *recorder) serve(h http.Handler, r *http.Request) (done bool) {
	defer func() {
		if w.broken = !done; w.broken {
			if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
				panic(p)
			}
		}
	}()
	h.ServeHTTP(w, r)
	return true
}

// reader reads the body, up to where the handler broke off.
func (w *recorder) reader() io.Reader {
	if w.broken {
		return io.MultiReader(&w.body, brokenOff{})
	}
	return &w.body
}

// length is the body's, -1 where it is not whole.
func (w *recorder) length() int64 {
	if w.broken {
		return -1
	}
	return int64(w.body.Len())
}

// Header returns the headers to send.
func (w *recorder) Header() http.Header { return w.header }

// WriteHeader fixes status and headers; only the first call counts.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

// Write keeps the bytes.
func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// brokenOff is the end of a body that is not whole.
type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

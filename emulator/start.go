package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// TB is the part of testing.TB that Start needs: a *testing.T or *testing.B.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
	Context() context.Context
}

// Row is a row to create, as the Web API takes it.
type Row map[string]any

// Server is an emulator on a port of this machine.
type Server struct {
	URL      string // http://127.0.0.1:port
	Token    string // bearer token of the administrator
	Emulator *Emulator
}

// Option is a wish about the emulator that Start starts.
type Option func(*starting)

type starting struct {
	options Options
	rows    []setRows
	faults  []Fault
	limits  Limits
}

type setRows struct {
	set  string
	rows []Row
}

// Rows creates rows in an entity set, such as accounts, through the emulator's own Web API.
func Rows(set string, rows ...Row) Option {
	return func(s *starting) { s.rows = append(s.rows, setRows{set, rows}) }
}

// WithSampleData adds the sample data. Without it there is only what every environment has.
func WithSampleData() Option { return func(s *starting) { s.options.Empty = false } }

// Limited keeps each user to the limits. Without it there are none. The rows that the test starts with do not count.
func Limited(limits Limits) Option { return func(s *starting) { s.limits = limits } }

// Faults makes things go wrong, but not with the rows that the test starts with.
func Faults(faults ...Fault) Option {
	return func(s *starting) { s.faults = append(s.faults, faults...) }
}

// Clock gives the emulator its time.
func Clock(now func() time.Time) Option { return func(s *starting) { s.options.Now = now } }

// At stops the emulator's clock at the time.
func At(now time.Time) Option {
	return func(s *starting) { s.options.Now = func() time.Time { return now } }
}

// Start runs an emulator until the test ends.
func Start(t TB, options ...Option) *Server {
	t.Helper()
	s := starting{options: Options{Empty: true}}
	for _, option := range options {
		option(&s)
	}
	e, err := New(t.Context(), s.options)
	if err != nil {
		t.Fatalf("start the emulator: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("start the emulator: %v", err)
	}
	server := &http.Server{Handler: e, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		t.Helper()
		if err := errors.Join(server.Close(), closed(<-served), e.Close()); err != nil {
			t.Fatalf("stop the emulator: %v", err)
		}
	})
	running := &Server{URL: "http://" + listener.Addr().String(), Token: DefaultToken, Emulator: e}
	for _, set := range s.rows {
		for _, row := range set.rows {
			running.create(t, set.set, row)
		}
	}
	e.protection = newProtection(s.limits, e.now)
	for _, fault := range s.faults {
		if err := e.faults.add(fault); err != nil {
			t.Fatalf("start the emulator: %v", err)
		}
	}
	return running
}

// closed is err, unless it says only that the server was closed.
func closed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (s *Server) create(t TB, set string, row Row) {
	t.Helper()
	body, err := json.Marshal(row)
	if err != nil {
		t.Fatalf("create a row of %s: %v", set, err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/data/v9.2/"+set, bytes.NewReader(body))
	if err != nil {
		t.Fatalf("create a row of %s: %v", set, err)
	}
	r.Header.Set("Authorization", "Bearer "+s.Token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := Transport(s.Emulator).RoundTrip(r)
	if err != nil {
		t.Fatalf("create a row of %s: %v", set, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		text, _ := io.ReadAll(answer.Body)
		t.Fatalf("create a row of %s: status %d: %s", set, answer.StatusCode, text)
	}
}

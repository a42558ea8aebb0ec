// Package emulator is a Dataverse in one process: its Web API, with the sign-in that stands before it, over SQLite. It
// is written from Microsoft's documentation and from captured traffic, never from what a client of ours happens to
// send, so that each checks the other.
//
// A request goes: ServeHTTP → authenticate → route → one file for each kind of resource → store.
package emulator

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// Options configure an emulator. The zero value is one in memory with sample data and the token "demo".
type Options struct {
	DB     string           // SQLite file; "" keeps everything in memory
	Token  string           // bearer token, and the secret of the demo application; "" is DefaultToken
	Empty  bool             // no sample data, only what every environment has
	Limits Limits           // what a user may ask of it; the zero value is no limits
	Faults []Fault          // what is to go wrong
	Now    func() time.Time // clock; nil is time.Now
	Log    *slog.Logger     // nil discards
}

// DefaultToken is the bearer token that a demo accepts.
const DefaultToken = "demo"

// Emulator is a running Dataverse. It is an http.Handler, safe for concurrent use.
type Emulator struct {
	db    *store.DB
	token string
	key   []byte // signs the tokens that the sign-in gives out; new with every start
	now   func() time.Time
	log   *slog.Logger

	protection *protection
	faults     faults
	transfers  transfers

	customizing sync.RWMutex                      // held for writing while a request changes the schema
	current     atomic.Pointer[catalog]           // the schema; changed under customizing only
	write       func(*schema.Schema, bool) []byte // writeCSDL, which names all messages, among them those that need it
}

// New opens the database and, where it is new, fills it.
func New(ctx context.Context, o Options) (*Emulator, error) {
	e := &Emulator{write: writeCSDL, token: o.Token, key: make([]byte, 32), now: o.Now, log: o.Log}
	_, _ = rand.Read(e.key) // never fails
	if e.token == "" {
		e.token = DefaultToken
	}
	if e.now == nil {
		e.now = time.Now
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	e.protection = newProtection(o.Limits, e.now)
	for _, fault := range o.Faults {
		if err := e.faults.add(fault); err != nil {
			return nil, err
		}
	}
	db, err := store.Open(ctx, o.DB, schema.Load())
	if err != nil {
		return nil, err
	}
	e.db = db
	if err := errors.Join(e.loadSchema(ctx), e.fill(ctx, o.Empty)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return e, nil
}

// loadSchema is the embedded schema, with what has been changed in a database that is not new.
func (e *Emulator) loadSchema(ctx context.Context) error {
	s := schema.Load()
	e.current.Store(newCatalog(s, e.write))
	data, err := e.db.SavedSchema(ctx)
	if err != nil || data == nil {
		return err
	}
	if s, err = s.Restore(data); err != nil {
		return err
	}
	e.current.Store(newCatalog(s, e.write))
	return nil
}

// fill gives a new database its first rows.
func (e *Emulator) fill(ctx context.Context, empty bool) error {
	var organizations int
	var sample bool
	err := e.db.Read(ctx, func(ctx context.Context, q store.Querier) (err error) {
		if sample, err = seed.HasSample(ctx, q); err != nil {
			return err
		}
		return q.QueryRowContext(ctx, "SELECT count(*) FROM organization").Scan(&organizations)
	})
	if empty && sample {
		e.log.WarnContext(ctx, "the database holds sample data already and is kept as it is")
	}
	if err != nil || organizations > 0 {
		return err
	}
	return e.db.Write(ctx, func(ctx context.Context, _ *sql.Tx) error { // one transaction: a file is never half filled
		s := e.current.Load().schema
		if err := seed.Base(ctx, e.db, s, e.now()); err != nil || empty {
			return err
		}
		return seed.Sample(ctx, e.db, s, e.now())
	})
}

// Close closes the database.
func (e *Emulator) Close() error { return e.db.Close() }

// maxBody is above the 116.85 MB that Dataverse takes in one message.
const maxBody = 128 << 20

// ServeHTTP answers a request of the Web API or of the sign-in.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer e.recovered(w, r)
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	newCall(e, spelled(w, r), r).run()
}

// recovered answers for a request that panicked: a client in the same process has no server around it that would.
func (e *Emulator) recovered(w http.ResponseWriter, r *http.Request) {
	switch v := recover(); v {
	case nil:
	case http.ErrAbortHandler:
		panic(v) // how net/http is told to drop the connection
	default:
		e.log.ErrorContext(r.Context(), "request handler panicked", "panic", v, "stack", string(debug.Stack()))
		asError(errPanic).write(&call{w: w})
	}
}

var errPanic = errors.New("panic")

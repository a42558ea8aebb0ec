// Package store keeps the emulator's rows in SQLite: one wide table for each Dataverse table, one column for each
// stored column, in memory or in a file. It knows the schema and no HTTP.
//
// Values lie as SQLite compares them best: text and ids (lower case) as TEXT, dates as TEXT in ISO 8601 UTC, numbers,
// choices and yes/no as INTEGER or REAL, images as base64 TEXT. A lookup that may refer to several tables has a second
// column that names the table: see TargetColumn.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/gofrs/flock"
	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// DB is an open database. Reads run side by side, writes one at a time.
type DB struct {
	sql  *sql.DB
	lock *flock.Flock // nil in memory

	mu      sync.RWMutex
	version atomic.Int64 // last row version given out
}

// Querier runs statements: a transaction or a plain connection.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Open opens the file, or a private database in memory when file is empty, and creates what is missing in it. A file
// is for one DB at a time: two would give out the same row versions.
func Open(ctx context.Context, file string, s *schema.Schema) (*DB, error) {
	if file == "" {
		return connect(ctx, "", s, nil)
	}
	if err := usable(file); err != nil {
		return nil, err
	}
	lock := flock.New(file + ".lock")
	alone, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the emulator's database: %w", err)
	}
	if !alone {
		return nil, fmt.Errorf("database %s is in use by another emulator: end that one, or name another file", file)
	}
	db, err := connect(ctx, file, s, lock)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return db, nil
}

// usable refuses a file that cannot become or be a database, before anything is made beside it.
func usable(file string) error {
	if folder := filepath.Dir(file); !isFolder(folder) {
		return fmt.Errorf("database %s: there is no folder %s", file, folder)
	}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer f.Close()
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	if n, _ := io.ReadFull(f, head); isFolder(file) || n > 0 && string(head) != magic { // an empty file becomes one
		return fmt.Errorf("database %s is no SQLite file: name a new file, or one that an emulator made", file)
	}
	return nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func connect(ctx context.Context, file string, s *schema.Schema, lock *flock.Flock) (*DB, error) {
	register()
	source := "file:" + file + "?_pragma=journal_mode(wal)&_pragma=synchronous(full)"
	if file == "" {
		// A named memdb is one database for all connections of the pool, as a file is.
		source = "file:/" + uuid.NewString() + "?vfs=memdb"
	}
	source += "&_pragma=busy_timeout(10000)&_pragma=foreign_keys(0)&_pragma=temp_store(memory)&_txlock=immediate"
	handle, err := sql.Open("sqlite", source)
	if err != nil {
		return nil, err
	}
	handle.SetMaxOpenConns(2 + runtime.NumCPU())
	handle.SetMaxIdleConns(2 + runtime.NumCPU()) // a database in memory lives as long as a connection to it
	db := &DB{sql: handle, lock: lock}
	if file == "" && s == schema.Load() {
		if err := db.copyBlank(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("open the emulator's database: %w", err), handle.Close())
		}
	}
	if err := db.prepare(ctx, s); err != nil {
		return nil, errors.Join(fmt.Errorf("open the emulator's database: %w", err), handle.Close())
	}
	return db, nil
}

// Close closes the database. One in memory is gone.
func (d *DB) Close() error {
	err := d.sql.Close()
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
	}
	return err
}

func (d *DB) prepare(ctx context.Context, s *schema.Schema) error {
	return d.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var tables int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE name = '$state'`).Scan(&tables); err != nil {
			return err
		}
		if tables == 0 {
			if err := create(ctx, tx, s); err != nil {
				return err
			}
		}
		if err := reindex(ctx, tx); err != nil {
			return err
		}
		for _, later := range []string{accessTable, fileTable} {
			if _, err := tx.ExecContext(ctx, later); err != nil {
				return err
			}
		}
		var version int64
		if err := tx.QueryRowContext(ctx, `SELECT value FROM "$state" WHERE name = 'version'`).Scan(&version); err != nil {
			return err
		}
		d.version.Store(version)
		return nil
	})
}

// reindex sorts the indexes of a file that an earlier collation made.
func reindex(ctx context.Context, tx *sql.Tx) error {
	var made int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&made); err != nil || made == collationVersion {
		return err
	}
	_, err := tx.ExecContext(ctx, fmt.Sprintf("REINDEX %s; PRAGMA user_version = %d", Collation, collationVersion))
	return err
}

func create(ctx context.Context, q Querier, s *schema.Schema) error {
	for statement := range statements(s) {
		if _, err := q.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%w in %.80s", err, statement)
		}
	}
	return nil
}

// running is the key of a context's transaction.
type running struct{}

type transaction struct {
	*sql.Tx
	prepared map[string]*sql.Stmt
}

// QueryRowContext asks by a prepared statement: a row is read to its end at once, so the statement is free again.
func (t *transaction) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := t.keepPrepared(ctx, query)
	if err != nil {
		return t.Tx.QueryRowContext(ctx, query, args...) // which returns the error
	}
	return s.QueryRowContext(ctx, args...)
}

func (t *transaction) keepPrepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := t.prepared[query]; ok {
		return s, nil
	}
	s, err := t.PrepareContext(ctx, query)
	if err == nil && len(t.prepared) < maxPrepared {
		t.prepared[query] = s
	}
	return s, err
}

// maxPrepared bounds the statements that a transaction keeps.
const maxPrepared = 100

// Prepared returns the statement of a query in tx, prepared once in the Write that ctx is of: SQLite needs longer to
// compile a statement about a wide table than to run it. It is closed with the transaction.
func Prepared(ctx context.Context, tx *sql.Tx, query string) (*sql.Stmt, error) {
	t, ok := ctx.Value(running{}).(*transaction)
	if !ok || t.Tx != tx {
		return tx.PrepareContext(ctx, query)
	}
	return t.keepPrepared(ctx, query)
}

// Read runs fn with a consistent view. Inside a Write it sees the uncommitted rows of that write.
func (d *DB) Read(ctx context.Context, fn func(ctx context.Context, q Querier) error) error {
	if t, ok := ctx.Value(running{}).(*transaction); ok {
		return fn(ctx, t)
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	return fn(ctx, d.sql)
}

// Write runs fn in a transaction, committed when fn returns nil. Pass the context that fn receives on: a Read or Write
// made with it joins the same transaction.
func (d *DB) Write(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	if t, ok := ctx.Value(running{}).(*transaction); ok {
		return fn(ctx, t.Tx)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	tx, err := d.sql.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	before, committed := d.version.Load(), false
	defer func() {
		if !committed { // after a panic too: an open transaction would lock everybody out
			d.version.Store(before)
			_ = tx.Rollback() // fails only where it is rolled back already
		}
	}()
	if err := fn(context.WithValue(ctx, running{}, &transaction{tx, map[string]*sql.Stmt{}}), tx); err != nil {
		return err
	}
	if version := d.version.Load(); version != before {
		if _, err := tx.ExecContext(ctx, `UPDATE "$state" SET value = ? WHERE name = 'version'`, version); err != nil {
			return err
		}
	}
	err = tx.Commit()
	committed = err == nil
	return err
}

// Version is the newest row version given out. Inside Read it is that of what is read.
func (d *DB) Version() int64 { return d.version.Load() }

// NextVersion gives out a row version (versionnumber): higher than every one before, over all tables. Call it inside
// Write only.
func (d *DB) NextVersion() int64 { return d.version.Add(1) }

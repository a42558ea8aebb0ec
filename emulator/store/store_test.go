package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

func open(tb testing.TB, file string) *DB {
	tb.Helper()
	db, err := Open(tb.Context(), file, schema.Load())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

func count(t *testing.T, db *DB, query string) (n int) {
	t.Helper()
	err := db.Read(t.Context(), func(ctx context.Context, q Querier) error {
		return q.QueryRowContext(ctx, query).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func insert(ctx context.Context, tx *sql.Tx, id, name string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO account (accountid, name) VALUES (?, ?)`, id, name)
	return err
}

func TestAFailedWriteLeavesNothing(t *testing.T) {
	db, boom := open(t, ""), errors.New("boom")
	before := db.version.Load()
	err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		db.NextVersion()
		if err := insert(ctx, tx, "1", "Contoso"); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("got %v, want %v", err, boom)
	}
	if n := count(t, db, "SELECT count(*) FROM account"); n != 0 || db.version.Load() != before {
		t.Errorf("after a failed write: %d rows, version %d, want 0 and %d", n, db.version.Load(), before)
	}
}

func TestANestedWriteJoinsTheOuterOne(t *testing.T) {
	db, boom := open(t, ""), errors.New("boom")
	_ = db.Write(t.Context(), func(ctx context.Context, _ *sql.Tx) error {
		if err := db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error { return insert(ctx, tx, "1", "Contoso") }); err != nil {
			t.Error(err)
		}
		return boom
	})
	if n := count(t, db, "SELECT count(*) FROM account"); n != 0 {
		t.Errorf("got %d rows, want 0: the outer write failed", n)
	}
}

func TestAStatementIsPreparedOnceInAWrite(t *testing.T) {
	db := open(t, "")
	const query = `INSERT INTO account (accountid) VALUES (?)`
	var first *sql.Stmt
	for _, ids := range [][]string{{"1", "2"}, {"3", "4"}} {
		err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			before := first
			for _, id := range ids {
				s, err := Prepared(ctx, tx, query)
				if err != nil {
					return err
				}
				if first != before && s != first {
					t.Errorf("row %s: another statement than for the row before", id)
				}
				if first = s; s == before {
					t.Errorf("row %s: the statement of a transaction that is over", id)
				}
				if _, err := s.ExecContext(ctx, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, db, "SELECT count(*) FROM account"); n != 4 {
		t.Errorf("%d rows, want 4", n)
	}
}

func TestAFileKeepsRowsAndVersions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "crm.db")
	first, err := Open(t.Context(), file, schema.Load())
	if err != nil {
		t.Fatal(err)
	}
	var version int64
	err = first.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		version = first.NextVersion()
		return insert(ctx, tx, "1", "Contoso")
	})
	if err := errors.Join(err, first.Close()); err != nil {
		t.Fatal(err)
	}
	again := open(t, file)
	if n := count(t, again, "SELECT count(*) FROM account"); n != 1 || again.version.Load() != version {
		t.Errorf("reopened: %d rows, version %d, want 1 and %d", n, again.version.Load(), version)
	}
}

func TestTextComparesWithoutCase(t *testing.T) {
	db := open(t, "")
	err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return insert(ctx, tx, "1", "Élan GmbH") })
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{
		"SELECT count(*) FROM account WHERE name = 'élan gmbh'":                    1,
		"SELECT count(*) FROM account WHERE name = 'elan gmbh'":                    0,
		"SELECT count(*) FROM account WHERE dataverse_like(name, '%GMBH')":         1,
		"SELECT count(*) FROM account WHERE dataverse_like(name, '[d-f]%')":        1,
		"SELECT count(*) FROM account WHERE dataverse_like(accountnumber, '%')":    0,
		"SELECT count(*) FROM owner":                                               0,
		"SELECT count(*) FROM activitypointer WHERE regardingobjectid IS NOT NULL": 0,
	} {
		if got := count(t, db, query); got != want {
			t.Errorf("%s: got %d, want %d", query, got, want)
		}
	}
}

func TestTextSortsAsInADictionary(t *testing.T) {
	want := []string{" a", "_a", "~a", "1a", "9", "a", "Abel", "ábel", "Abelard", "aeon", "Ætna", "B", "café", "Cafes", "cote", "coté", "côte", "côté", "Łódź", "Lofoten",
		"lz", "ÖSTER", "Østlund", "Osx", "straße", "strasse2", "z", "яблоко"}
	for i := range want {
		for j := range want {
			if got := Compare(want[i], want[j]); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("Compare(%q, %q): got %d, want the order %d, %d", want[i], want[j], got, i, j)
			}
		}
	}
}

func TestAFileOfTheOldCollationIsSortedAnew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.db")
	db, err := Open(t.Context(), file, schema.Load())
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		if err := insert(ctx, tx, "1", "Contoso"); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `PRAGMA user_version = 0`)
		return err
	})
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	db = open(t, file)
	if got := count(t, db, `PRAGMA user_version`); got != collationVersion {
		t.Errorf("user_version: got %d, want %d", got, collationVersion)
	}
}

func TestMatchKnowsTheWildcardsOfSQLServer(t *testing.T) {
	for _, c := range []struct {
		pattern, value string
		want           bool
	}{
		{"a%c", "abbc", true}, {"a%c", "ac", true}, {"a%c", "acd", false}, {"%", "", true}, {"", "", true}, {"", "a", false},
		{"a_c", "abc", true}, {"a_c", "ac", false}, {"[a-c]x", "bx", true}, {"[^a-c]x", "bx", false}, {"[^a-c]x", "dx", true},
		{"100[%]", "100%", true}, {"100[%]", "1000", false}, {"[]]", "]", true}, {"[a", "[a", true},
		{"%a%b%c%", "xxaxxbxxcxx", true}, {"É%", "élan", true},
	} {
		if got := Match(c.pattern, c.value); got != c.want {
			t.Errorf("Match(%q, %q): got %v, want %v", c.pattern, c.value, got, c.want)
		}
	}
}

func TestEscapedTextMatchesOnlyItself(t *testing.T) {
	for _, text := range []string{"100% [sure]_", "[^a]", "plain"} {
		if !Match(Escape(text), text) {
			t.Errorf("Match(Escape(%q), same): got false", text)
		}
	}
	if Match(Escape("a%"), "ab") {
		t.Error("an escaped % matched another character")
	}
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		db, err := Open(b.Context(), "", schema.Load())
		if err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestFileIsForOneAtATime(t *testing.T) {
	file := filepath.Join(t.TempDir(), "crm.db")
	first, err := Open(t.Context(), file, schema.Load())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), file, schema.Load()); err == nil || !strings.Contains(err.Error(), "crm.db is in use by another emulator") {
		t.Errorf("second: got %v, want that the file is in use", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, file) // free again
}

func TestWhatIsNoDatabaseIsLeftAsItIs(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "README.md")
	if err := os.WriteFile(text, []byte("# Not a database, and longer than a header\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		text: "is no SQLite file", folder: "is no SQLite file", filepath.Join(folder, "none", "crm.db"): "there is no folder",
	} {
		if db, err := Open(t.Context(), file, schema.Load()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", file, err, want)
			_ = db.Close()
		}
		if _, err := os.Stat(file + ".lock"); err == nil {
			t.Errorf("%s.lock was left", file)
		}
	}
}

func TestAWriteThatPanicsLeavesNothingAndBlocksNobody(t *testing.T) {
	db := open(t, "")
	before := db.version.Load()
	func() {
		defer func() { _ = recover() }()
		_ = db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			db.NextVersion()
			if err := insert(ctx, tx, "1", "Contoso"); err != nil {
				return err
			}
			panic("boom")
		})
	}()
	if got := db.version.Load(); got != before {
		t.Errorf("version after a write that panicked: got %d, want %d", got, before)
	}
	err := db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return insert(ctx, tx, "2", "Fabrikam") })
	if err != nil {
		t.Fatalf("the next write: %v", err)
	}
	if n := count(t, db, "SELECT count(*) FROM account"); n != 1 {
		t.Errorf("got %d rows, want that of the second write alone", n)
	}
}

package seed

import (
	"strings"
	"testing"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

var today = time.Date(2026, 5, 13, 15, 4, 5, 0, time.UTC)

func open(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), "", schema.Load())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestBaseRowsKeepTheSchema(t *testing.T) {
	db := open(t)
	if err := Base(t.Context(), db, schema.Load(), today); err != nil {
		t.Fatal(err)
	}
	checkAll(t, db)
	for query, want := range map[string]string{
		"SELECT fullname AS v FROM systemuser WHERE systemuserid = '" + AdministratorID + "'":                              AdministratorName,
		"SELECT systemuserid AS v FROM systemuser WHERE applicationid = '" + ApplicationClientID + "'":                     ApplicationUserID,
		"SELECT isocurrencycode AS v FROM organization JOIN transactioncurrency ON transactioncurrencyid = basecurrencyid": "USD",
		"SELECT name AS v FROM businessunit WHERE parentbusinessunitid IS NULL":                                            OrganizationName,
		"SELECT uniquename AS v FROM solution WHERE solutionid = '" + DefaultSolutionID + "'":                              "Default",
	} {
		if got := rowsOf(t, db, query); len(got) != 1 || got[0]["v"] != want {
			t.Errorf("%s: got %v, want %s", query, got, want)
		}
	}
}

func BenchmarkBase(b *testing.B) {
	for b.Loop() {
		db, err := store.Open(b.Context(), "", schema.Load())
		if err != nil {
			b.Fatal(err)
		}
		if err := Base(b.Context(), db, schema.Load(), today); err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestViewsNameColumnsOfTheirTable(t *testing.T) {
	for _, v := range views {
		table := schema.Load().Table(v.table)
		for column := range strings.FieldsSeq(v.columns + " " + strings.TrimPrefix(v.order, "-")) {
			if table.Column(column) == nil {
				t.Errorf("view %s: %s has no column %s", v.name, v.table, column)
			}
		}
	}
}

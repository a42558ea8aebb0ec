package emulator

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

const benchmarkRows = 5000

// benchmarkPage is a page of 5,000 accounts by 10 columns, as database/sql reads it.
func benchmarkPage(b *testing.B, headers http.Header) (*Emulator, *projection, string) {
	b.Helper()
	e := testRows(b)
	err := e.db.Write(b.Context(), func(ctx context.Context, tx *sql.Tx) error {
		for i := range benchmarkRows {
			_, err := tx.ExecContext(ctx, `INSERT INTO account (accountid, name, accountnumber, revenue, numberofemployees, industrycode, createdon,`+
				` primarycontactid, ownerid, "ownerid$table", transactioncurrencyid, statecode, versionnumber) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`,
				fmt.Sprintf("11111111-0000-4000-8000-%012d", i), fmt.Sprintf("Account %d", i), fmt.Sprintf("A-%d", i), float64(i)*10.5, i, i%30+1,
				"2024-06-12T14:13:17Z", susanna, seed.AdministratorID, "systemuser", seed.BaseCurrencyID, 0, i)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "http://org/api/data/v9.2/accounts", http.NoBody)
	r.Header = headers
	c := newCall(e, httptest.NewRecorder(), r)
	p, err := c.project(e.current.Load().schema.Table("account"), odata.Options{Select: []string{"name", "accountnumber", "revenue", "numberofemployees",
		"industrycode", "createdon", "_primarycontactid_value", "_ownerid_value", "statecode", "description"}})
	if err != nil {
		b.Fatal(err)
	}
	return e, p, "SELECT " + p.selectList() + " FROM account AS " + rowAlias + " WHERE accountid LIKE '11111111%' LIMIT 5000"
}

func benchmarkRead(b *testing.B, headers http.Header, body func(context.Context, store.Querier, *projection, string) error) {
	b.Helper()
	e, p, query := benchmarkPage(b, headers)
	for b.Loop() {
		err := e.db.Read(b.Context(), func(ctx context.Context, q store.Querier) error { return body(ctx, q, p, query) })
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(benchmarkRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func fetchAndRender(ctx context.Context, q store.Querier, p *projection, query string) error {
	rows, err := p.fetch(ctx, q, query)
	if err != nil {
		return err
	}
	objects, err := p.render(ctx, q, rows)
	if err == nil && len(objects) != benchmarkRows {
		return fmt.Errorf("got %d rows", len(objects))
	}
	return err
}

func BenchmarkFetchAndRender(b *testing.B) { benchmarkRead(b, http.Header{}, fetchAndRender) }

func BenchmarkFetchAndRenderWithAnnotations(b *testing.B) {
	benchmarkRead(b, http.Header{"Prefer": {`odata.include-annotations="*"`}}, fetchAndRender)
}

func BenchmarkRender(b *testing.B) {
	var rows []row
	benchmarkRead(b, http.Header{}, func(ctx context.Context, q store.Querier, p *projection, query string) (err error) {
		if rows == nil {
			if rows, err = p.fetch(ctx, q, query); err != nil {
				return err
			}
		}
		_, err = p.render(ctx, q, rows)
		return err
	})
}

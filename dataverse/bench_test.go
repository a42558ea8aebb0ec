package dataverse_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime/metrics"
	"strconv"
	"testing"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// BenchmarkPaging reads 100,000 rows of ten columns, and tells the most that the heap held meanwhile.
func BenchmarkPaging(b *testing.B) {
	const pages, limit = 20, 64 << 20
	var body bytes.Buffer
	for i := range 5000 {
		id := uuid.NewString()
		fmt.Fprintf(&body, `,{"@odata.etag":"W/\"%d\"","accountid":"%s","name":"Account %d","accountnumber":"A%d","revenue":%d.5,"revenue@OData.Community.Display.V1.FormattedValue":"$%d.50",`+
			`"industrycode":6,"industrycode@OData.Community.Display.V1.FormattedValue":"Business Services","_primarycontactid_value":"%s","_primarycontactid_value@OData.Community.Display.V1.FormattedValue":"Yvonne McKay",`+
			`"_primarycontactid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"contact","telephone1":"555-%d","creditonhold":false,"createdon":"2026-01-02T03:04:05Z","description":null}`, i, id, i, i, i, i, id, i)
	}
	rows := body.Bytes()[1:]
	s := &service{rows: func(w http.ResponseWriter, r *http.Request) {
		page, _ := strconv.Atoi(r.URL.Query().Get("$skiptoken"))
		next := ""
		if page < pages-1 {
			next = `"@odata.nextLink":"http://` + r.Host + r.URL.Path + `?$skiptoken=` + strconv.Itoa(page+1) + `",`
		}
		_, _ = io.WriteString(w, `{`+next+`"value":[`)
		_, _ = w.Write(rows)
		_, _ = io.WriteString(w, `]}`)
	}}
	c := start(b, s)
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	var peak uint64
	for b.Loop() {
		n := 0
		for row, err := range c.Rows(b.Context(), "account", dataverse.Query{}) {
			if err != nil || row.ID == "" {
				b.Fatal(err)
			}
			if n++; n%500 == 0 {
				metrics.Read(heap)
				peak = max(peak, heap[0].Value.Uint64())
			}
		}
		if n != pages*5000 {
			b.Fatalf("%d rows, want %d", n, pages*5000)
		}
	}
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
	if peak > limit {
		b.Errorf("the heap held %d MiB, want at most %d", peak>>20, limit>>20)
	}
}

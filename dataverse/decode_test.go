package dataverse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"testing"
)

// largePage is a full page of accounts with ten columns, as the service writes it.
func largePage() []byte {
	var b bytes.Buffer
	b.WriteString(`{"@odata.context":"https://contoso.crm4.dynamics.com/api/data/v9.2/$metadata#accounts","value":[`)
	for i := range maxPage {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"@odata.etag":"W/\"%d\"","name":"Contoso %d","accountnumber":"A%06d","telephone1":"+1 425 555 0100",`+
			`"revenue@OData.Community.Display.V1.FormattedValue":"$%d.00","revenue":%d.0000,`+
			`"statecode@OData.Community.Display.V1.FormattedValue":"Active","statecode":0,`+
			`"industrycode@OData.Community.Display.V1.FormattedValue":"Consulting","industrycode":7,`+
			`"createdon@OData.Community.Display.V1.FormattedValue":"5/1/2026 10:00 AM","createdon":"2026-05-01T10:00:00Z",`+
			`"_primarycontactid_value@OData.Community.Display.V1.FormattedValue":"Yvonne McKay",`+
			`"_primarycontactid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"contact",`+
			`"_primarycontactid_value":"a3e8f7d1-0c2b-4f7e-8f0a-2b4c6d8e0f12","accountid":"4026be43-6b69-e111-8f65-78e7d1620f5e"}`, i, i, i, i, i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func largeShape() *shape {
	return &shape{name: "account", table: &Table{TableInfo: TableInfo{PrimaryID: "accountid"}},
		columns: []string{"name", "accountnumber", "telephone1", "revenue", "statecode", "industrycode", "createdon", "primarycontactid"}}
}

func BenchmarkReadPage(b *testing.B) {
	body := largePage()
	b.Run("rows", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if p, err := readPage(body, largeShape()); err != nil || len(p.rows) != maxPage {
				b.Fatal(len(p.rows), err)
			}
		}
	})
	b.Run("maps", func(b *testing.B) { // what encoding/json alone would cost
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			var p struct{ Value []map[string]any }
			if err := json.Unmarshal(body, &p); err != nil || len(p.Value) != maxPage {
				b.Fatal(len(p.Value), err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) { // the read alone
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if _, err := io.ReadAll(bytes.NewReader(body)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func FuzzReadPage(f *testing.F) {
	f.Add([]byte(`{"value":[{"@odata.etag":"W/\"1\"","_a_value":"x","_a_value@Microsoft.Dynamics.CRM.lookuplogicalname":"b","n":{"c":[{}]},"n@odata.nextLink":""}],"@odata.count":1}`))
	f.Add([]byte(`{"value":[{"@":{},"":[],"_value":1,"__value":2,"a@b@c":3}]}`))
	f.Add([]byte(`{"value":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := readPage(body, &shape{name: "t", columns: []string{"a", "n"}, expanded: map[string]*shape{"n": {}}})
		if err != nil {
			return
		}
		for _, r := range p.rows {
			if _, err := json.Marshal(r); err != nil {
				t.Errorf("%s: a row that was read cannot be written: %v", body, err)
			}
		}
	})
}

func FuzzCursor(f *testing.F) {
	p := &plan{table: &Table{}}
	q := Query{}
	f.Add(position{token: "%3Ccookie%20pagenumber=%222%22%20/%3E", seen: 5000}.encode(p.fingerprint(q)))
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, cursor string) {
		at, err := readCursor(cursor, p.fingerprint(q))
		if err != nil || cursor == "" {
			return
		}
		again, err := readCursor(at.encode(p.fingerprint(q)), p.fingerprint(q))
		if err != nil || again != at {
			t.Errorf("%q: read %+v, then %+v, %v", cursor, at, again, err)
		}
	})
}

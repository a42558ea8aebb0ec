package dataverse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
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
			if p, err := readPage(bytes.NewReader(body), largeShape()); err != nil || len(p.rows) != maxPage {
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

// oddPage has everything that a page can hold, and blanks between it.
const oddPage = ` { "@odata.context" : "x" , "unknown":[1,{"a":[]},"b\\"],"@odata.count": 12,"value":[
	{"@odata.etag":"W/\"7\"","name":"\u00c4 & \"B\" \ud83d\ude00","n":-1.50e+2,"yes":true,"no":false,"none":null,"other":1,
	 "_p_value@OData.Community.Display.V1.FormattedValue":"Yvonne","_p_value@Microsoft.Dynamics.CRM.lookuplogicalname":"contact","_p_value":"id"},
	{"n":0 , "name":"","kids":[{"a":"1"},{"a":"2"}],"kids@odata.nextLink":"https://x/y"},{},{"name":"last","n":7,"p":{"q":{"r":"deep"}}}
	],"@odata.nextLink":"https://x/api\/data" } `

func TestAPageIsTheSameWhereverItsBlocksEnd(t *testing.T) {
	read := func(body string) string {
		t.Helper()
		s := &shape{name: "t", columns: []string{"n", "name", "p", "kids", "yes", "no", "none"}}
		p, err := readPage(strings.NewReader(body), s)
		if err != nil {
			t.Fatalf("%v in %q", err, body)
		}
		rows, err := json.Marshal(p.rows)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s %s %d %v", rows, p.nextLink, p.count, p.rows[1].Value("kids").More)
	}
	want := `[{"n":-1.50e+2,"name":"Ä \u0026 \"B\" 😀","p":{"id":"id","name":"Yvonne","table":"contact"},"yes":true,"no":false,"none":null},` +
		`{"n":0,"name":"","kids":[{"a":"1"},{"a":"2"}]},{},{"n":7,"name":"last","p":{"q":{"r":"deep"}}}] https://x/api/data 12 true`
	if got := read(oddPage); got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	for before := range len(oddPage) + 1 {
		if got := read(strings.Repeat(" ", firstBlock-before) + oddPage); got != want {
			t.Fatalf("with the block's end before %q:\ngot  %s\nwant %s", oddPage[before:], got, want)
		}
	}
}

func TestWhatIsNoJSONIsNoPage(t *testing.T) {
	for end := range strings.TrimSpace(oddPage) {
		if p, err := readPage(strings.NewReader(strings.TrimSpace(oddPage)[:end]), &shape{}); err == nil {
			t.Errorf("the first %d bytes alone were read as %+v", end, p)
		}
	}
	for _, body := range []string{
		`[]`, `"x"`, `<html>`, `{"value":{}}`, `{"value":[1]}`, `{"value":[{}],}`, `{"value":[{},]}`, `{"value":[{"a":1,}]}`, `{"value":[{"a" 1}]}`, `{"value":[{"a":01}]}`,
		`{"value":[{"a":1.}]}`, `{"value":[{"a":-}]}`, `{"value":[{"a":.5}]}`, `{"value":[{"a":1e}]}`, `{"value":[{"a":tru}]}`, `{"value":[{"a":nul` + "\x00" + `}]}`,
		`{"value":[{"a":"\x"}]}`, `{"value":[{"a":"\u12"}]}`, "{\"value\":[{\"a\":\"\n\"}]}", `{"value":[{"a":[1]}]}`, `{"value":[]}{}`, `{"value":[]`, `{value:[]}`,
		`{"a":` + strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1) + `}`,
	} {
		if p, err := readPage(strings.NewReader(body), &shape{}); err == nil {
			t.Errorf("%.40s was read as %+v", body, p)
		}
	}
}

func FuzzReadPage(f *testing.F) {
	f.Add([]byte(`{"value":[{"@odata.etag":"W/\"1\"","_a_value":"x","_a_value@Microsoft.Dynamics.CRM.lookuplogicalname":"b","n":{"c":[{}]},"n@odata.nextLink":""}],"@odata.count":1}`))
	f.Add([]byte(`{"value":[{"@":{},"":[],"_value":1,"__value":2,"a@b@c":3}]}`))
	f.Add([]byte(`{"value":{}}`))
	f.Add([]byte(oddPage))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := readPage(bytes.NewReader(body), &shape{name: "t", columns: []string{"a", "n"}, expanded: map[string]*shape{"n": {}}})
		if err != nil {
			return
		}
		if !json.Valid(body) {
			t.Errorf("%s: it is no JSON, and was read", body)
		}
		for _, r := range p.rows {
			if _, err := json.Marshal(r); err != nil {
				t.Errorf("%s: a row that was read cannot be written: %v", body, err)
			}
		}
	})
}

func FuzzCursor(f *testing.F) {
	print := make([]byte, fingerprintSize)
	f.Add(position{token: "%3Ccookie%20pagenumber=%222%22%20/%3E", seen: 5000}.encode(print))
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, cursor string) {
		at, err := readCursor(cursor, print)
		if err != nil || cursor == "" {
			return
		}
		again, err := readCursor(at.encode(print), print)
		if err != nil || again != at {
			t.Errorf("%q: read %+v, then %+v, %v", cursor, at, again, err)
		}
	})
}

package dataverse

import (
	"testing"
	"time"
)

func FuzzReadKept(f *testing.F) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	want := diskHeader{Format: diskFormat, Environment: "https://contoso.crm4.dynamics.com/api/data/v9.2/", owner: owner{User: "u", Language: 1033}}
	const head = `{"format":1,"environment":"https://contoso.crm4.dynamics.com/api/data/v9.2/","user":"u","organization":"","language":1033,"stamp":"1!a"}` + "\n"
	const at = "\t2026-03-02T11:00:00Z\t"
	f.Add([]byte(head))
	f.Add([]byte(head + at + `{"Tables":[{"LogicalName":"account","SetName":"accounts"}],"IDs":{"a":"account"}}` + "\n"))
	f.Add([]byte(head + "account" + at + `{"Table":{"LogicalName":"account","Columns":[{"LogicalName":"a"},{"LogicalName":"b"}]},"IDs":["a"]}` + "\n"))
	f.Add([]byte(head + "account" + at + `{"Table":null}` + "\n"))
	f.Add([]byte(head + "account" + at + "\n" + at + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := readKept(text, want, now)
		if err != nil {
			return
		}
		for name, e := range k.table {
			parts, err := e.value.read()
			if err == nil && (parts.Table == nil || parts.Table.LogicalName != name || now.Sub(e.fetched) < 0) {
				t.Errorf("%s: read %v of %v", name, parts.Table, e.fetched)
			}
		}
		want.Stamp = k.stamp
		written, err := k.text(want)
		want.Stamp = ""
		if err != nil {
			t.Fatalf("write what was read: %v", err)
		}
		again, err := readKept(written, want, now)
		if err != nil || len(again.table) != len(k.table) || len(again.tables) != len(k.tables) {
			t.Errorf("read again: %d tables of %d, %v", len(again.table), len(k.table), err)
		}
	})
}

package dataverse_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

func TestSuggestionsAreWhatWasMeant(t *testing.T) {
	c := emulated(t)
	for _, test := range []struct {
		table, column string
		want          []string
	}{
		{"opportunity", "revenue", []string{"isrevenuesystemcalculated (Revenue)", "actualvalue (Actual Revenue)"}},
		{"contact", "name", []string{"fullname"}},
		{"contact", "phone", []string{"telephone1 (Business Phone)", "telephone2 (Home Phone)", "telephone3", "mobilephone"}},
		{"opportunity", "amount", []string{"totalamount", "actualvalue (Actual Revenue)", "budgetamount", "estimatedvalue (Est. Revenue)"}},
		{"contact", "zzzzzz", nil},
		{"account", "city", []string{"address1_city"}},
		{"account", "naem", []string{"name"}},
		{"contact", "email", []string{"emailaddress1 (Email)"}},
	} {
		_, err := c.Page(t.Context(), test.table, dataverse.Query{Select: []string{test.column}}, "")
		e, ok := errors.AsType[*dataverse.Error](err)
		if !ok || e.Kind != dataverse.Invalid {
			t.Errorf("%s.%s: got %v, want it refused", test.table, test.column, err)
			continue
		}
		got := e.Nearest
		if test.want != nil && len(got) > len(test.want) {
			got = got[:len(test.want)]
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s.%s: nearest %v (-want +got):\n%s", test.table, test.column, e.Nearest, diff)
		}
	}
	for table, want := range map[string]string{"accnt": "account", "acc": "account", "opp": "opportunity"} {
		_, err := c.Table(t.Context(), table)
		if e, ok := errors.AsType[*dataverse.Error](err); !ok || len(e.Nearest) == 0 || e.Nearest[0] != want {
			t.Errorf("table %s: got %v, want %s offered first", table, err, want)
		}
	}
	for _, table := range []string{"deal", "people", "zzz"} {
		_, err := c.Table(t.Context(), table)
		if e, ok := errors.AsType[*dataverse.Error](err); !ok || len(e.Nearest) > 0 {
			t.Errorf("table %s: got %v, want an error without suggestions", table, err)
		}
	}
}

func TestHugeNamesAreRefusedAndShortened(t *testing.T) {
	c := emulated(t)
	if _, err := c.Table(t.Context(), "account"); err != nil {
		t.Fatal(err)
	}
	huge := strings.Repeat("x", 4<<20)
	for name, call := range map[string]func() error{
		"table": func() error { return failed(c.Table(t.Context(), huge)) },
		"list":  func() error { return failed(c.Page(t.Context(), huge, dataverse.Query{}, "")) },
		"select": func() error {
			return failed(c.Page(t.Context(), "account", dataverse.Query{Select: []string{huge}}, ""))
		},
		"expand": func() error { return failed(c.Page(t.Context(), "account", dataverse.Query{Expand: huge}, "")) },
		"filter": func() error {
			return failed(c.Page(t.Context(), "account", dataverse.Query{Filter: huge + " eq 1"}, ""))
		},
		"syntax": func() error { return failed(c.Page(t.Context(), "account", dataverse.Query{Filter: huge + " eq"}, "")) },
		"id":     func() error { return failed(c.Get(t.Context(), "account", huge, dataverse.Query{})) },
		"key":    func() error { return failed(c.Get(t.Context(), "account", huge+"=1", dataverse.Query{})) },
		"values": func() error { return failed(c.Create(t.Context(), "account", dataverse.Values{huge: 1})) },
		"create": func() error { return failed(c.Create(t.Context(), huge, dataverse.Values{})) },
		"binding": func() error {
			return failed(c.Create(t.Context(), "account", dataverse.Values{huge + "@odata.bind": "x"}))
		},
		"lookup": func() error {
			return failed(c.Create(t.Context(), "account", dataverse.Values{"primarycontactid": huge + "(1)"}))
		},
		"function": func() error {
			return failed(c.Page(t.Context(), "account", dataverse.Query{Filter: huge + "(name)"}, ""))
		},
	} {
		if err := call(); err == nil || len(err.Error()) > 1000 {
			t.Errorf("%s: got an error of %d bytes, want a short one", name, len(fmt.Sprint(err)))
		}
	}
}

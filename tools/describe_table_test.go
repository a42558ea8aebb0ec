package tools

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

func TestDescribeAccountStaysWithinTwelveKilobytes(t *testing.T) {
	set := connect(t)
	result, err := set.Call(t.Context(), "describe_table", json.RawMessage(`{"table":"account"}`))
	if err != nil || result.IsError {
		t.Fatalf("%v %s", err, result.Text)
	}
	t.Logf("describe_table account: %d bytes", len(result.Text))
	if got := len(result.Text); got > 12<<10 {
		t.Errorf("got %d bytes, want at most %d", got, 12<<10)
	}
	if !strings.Contains(result.Text, `columns:[\"*\"]`) {
		t.Errorf("got %s, want it to say how to reach the rest", result.Text)
	}
}

func TestDescribeTellsTypesAndLabels(t *testing.T) {
	set := connect(t)
	got := call[describeTableOut](t, set, find(t, "describe_table"), `{"table":"opportunities"}`)
	for column, want := range map[string]string{
		"opportunityid":  "id",
		"name":           "text(300) required; Topic",
		"customerid":     "lookup account,contact required; Potential Customer",
		"estimatedvalue": "money; Est. Revenue",
		"createdon":      "datetime read-only",
	} {
		if got.Columns[column] != want {
			t.Errorf("%s: got %q, want %q", column, got.Columns[column], want)
		}
	}
	if got.Table != "opportunity" || got.PrimaryID != "opportunityid" || got.PrimaryName != "name" {
		t.Errorf("got %+v, want the names of opportunity", got)
	}
}

func TestNamedColumnsAreDescribedInFull(t *testing.T) {
	set := connect(t)
	got := call[describeTableOut](t, set, find(t, "describe_table"), `{"table":"account","columns":["accountratingcode","address1_tele*","address1_telephone2","accountratingcode"]}`)
	var names []string
	for _, c := range got.Details {
		names = append(names, c.Name)
	}
	if want := []string{"accountratingcode", "address1_telephone1", "address1_telephone2", "address1_telephone3"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
	if diff := cmp.Diff(map[string]int64{"Default Value": 1}, got.Details[0].Choices); diff != "" {
		t.Errorf("choices (-want +got):\n%s", diff)
	}
	if len(got.Columns) > 0 {
		t.Errorf("got an overview of %d columns beside the details, want none", len(got.Columns))
	}
}

func TestEveryColumnCanBeReached(t *testing.T) {
	set := connect(t)
	all := call[describeTableOut](t, set, find(t, "describe_table"), `{"table":"account","columns":["*"]}`)
	some := call[describeTableOut](t, set, find(t, "describe_table"), `{"table":"account"}`)
	if len(all.Details) <= len(some.Columns) {
		t.Errorf("got %d columns with *, %d without, want more with it", len(all.Details), len(some.Columns))
	}
	for name := range some.Columns {
		if !slices.ContainsFunc(all.Details, func(c columnDetail) bool { return c.Name == name }) {
			t.Errorf("column %s is in the overview, but not among all columns", name)
		}
	}
}

func TestIncludedPartsAreThere(t *testing.T) {
	set := connect(t)
	got := call[describeTableOut](t, set, find(t, "describe_table"),
		`{"table":"account","columns":["name"],"include":["relationships","choices","keys"]}`)
	if got.Relationships.One["primarycontactid"] != "contact" || got.Relationships.Many["contact_customer_accounts"] != "contact.parentcustomerid" {
		t.Errorf("relationships: got %+v, want the roads to contact", got.Relationships)
	}
	if got.Choices["industrycode"]["Consulting"] != 7 {
		t.Errorf("choices: got %v, want Consulting = 7 among those of industrycode", got.Choices["industrycode"])
	}
}

func TestUnknownColumnIsRefusedWithTheNearest(t *testing.T) {
	set := connect(t)
	if got := failure(t, set, find(t, "describe_table"), `{"table":"account","columns":["nam"]}`); !strings.Contains(got, "Did you mean name") {
		t.Errorf("got %q, want name as the nearest", got)
	}
}

func TestOverviewOfAVeryWideTableStaysWithinItsBudget(t *testing.T) {
	wide := &dataverse.Table{TableInfo: dataverse.TableInfo{LogicalName: "new_wide", PrimaryID: "new_wideid", PrimaryName: "new_name"}}
	for i := range 900 {
		wide.Columns = append(wide.Columns, dataverse.Column{
			LogicalName: fmt.Sprintf("new_column%03d", i), DisplayName: fmt.Sprintf("What people call it %d", i),
			Type: dataverse.MoneyColumn, Read: true, Create: true, Update: true, Custom: true,
		})
	}
	wide.Columns = append(wide.Columns, dataverse.Column{
		LogicalName: "new_name", Type: dataverse.StringColumn, MaxLength: 100, Read: true, Create: true,
		Required: dataverse.ApplicationRequired,
	})
	out := overview(describeTableOut{Table: "new_wide"}, wide)
	text, err := compact(out)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 12<<10 || len(text) < 11<<10 {
		t.Errorf("got %d bytes, want the budget of %d nearly used", len(text), 12<<10)
	}
	if out.Columns["new_name"] != "text(100) required" || !strings.Contains(out.Note, "of 901 columns are left out") {
		t.Errorf("got %q for the name and note %q, want what is required and how many are left out", out.Columns["new_name"], out.Note)
	}
}

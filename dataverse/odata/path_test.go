package odata

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPathsParseToTheirSegments(t *testing.T) {
	guid := &Literal{Kind: GUID, Value: "4026be43-6b69-e111-8f65-78e7d1620f5e"}
	for in, want := range map[string][]Segment{
		"":                nil,
		"/accounts/":      {{Name: "accounts"}},
		"WhoAmI()":        {{Name: "WhoAmI", HasParens: true}},
		"accounts/$count": {{Name: "accounts"}, {Name: "$count"}},
		"accounts(4026be43-6b69-e111-8f65-78e7d1620f5e)/primarycontactid/$ref": {
			{Name: "accounts", HasParens: true, Key: guid}, {Name: "primarycontactid"}, {Name: "$ref"}},
		"$1/name/$value":     {{Name: "$1"}, {Name: "name"}, {Name: "$value"}},
		"a(-7)":              {{Name: "a", HasParens: true, Key: &Literal{Kind: Number, Value: "-7"}}},
		"a('b%2Fc+d%20e')/x": {{Name: "a", HasParens: true, Key: str("b/c+d e")}, {Name: "x"}},
		"contacts(firstname='Joe',_new_x_value=4026be43-6b69-e111-8f65-78e7d1620f5e,d=2024-06-12)": {
			{Name: "contacts", HasParens: true, Args: []Arg{
				{Name: "firstname", Value: str("Joe")}, {Name: "_new_x_value", Value: guid},
				{Name: "d", Value: &Literal{Kind: Date, Value: "2024-06-12"}}}}},
		"EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata": {
			{Name: "EntityDefinitions", HasParens: true, Args: []Arg{{Name: "LogicalName", Value: str("account")}}},
			{Name: "Attributes"}, {Name: "Microsoft.Dynamics.CRM.PicklistAttributeMetadata"}},
		"systemusers(4026be43-6b69-e111-8f65-78e7d1620f5e)/Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@t)": {
			{Name: "systemusers", HasParens: true, Key: guid},
			{Name: "Microsoft.Dynamics.CRM.RetrievePrincipalAccess", HasParens: true,
				Args: []Arg{{Name: "Target", Value: &Alias{Name: "t"}}}}},
		"RetrieveTotalRecordCount(EntityNames=['account'])": {{Name: "RetrieveTotalRecordCount", HasParens: true,
			Args: []Arg{{Name: "EntityNames", Value: &List{JSON: true, Items: []Expr{str("account")}}}}}},
		"F(T=%7B'@odata.id':'contacts(1)'%7D)": {{Name: "F", HasParens: true,
			Args: []Arg{{Name: "T", Value: &Object{Text: `{"@odata.id":"contacts(1)"}`}}}}},
	} {
		got, err := ParsePath(in)
		if err != nil {
			t.Errorf("ParsePath(%q): %v", in, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ParsePath(%q) (-want +got):\n%s", in, diff)
		}
	}
}

func TestPathsRefuseWhatIsNoPath(t *testing.T) {
	for in, want := range map[string]string{
		"accounts(abc)":         "Syntax error at position 9 in 'accounts(abc)'.",
		"accounts(a=b)":         "Syntax error at position 11 in 'accounts(a=b)'.",
		"accounts(1,2)":         "')' or operator expected at position 10 in 'accounts(1,2)'.",
		"accounts(a=1,2)":       "Syntax error at position 13 in 'accounts(a=1,2)'.",
		"accounts(1":            "')' or operator expected at position 10 in 'accounts(1'.",
		"accounts(1)x":          "Syntax error at position 11 in 'accounts(1)x'.",
		"accounts('a":           "There is an unterminated string literal at position 11 in 'accounts('a'.",
		"accounts(a='O'Brian')": "There is an unterminated literal at position 21 in 'accounts(a='O'Brian')'.",
		"a/%zz":                 "Bad Request - Error in query syntax.",
		"'a'":                   "An identifier was expected at position 0 in ''a''.",
	} {
		got, err := ParsePath(in)
		if err == nil || err.Error() != want {
			t.Errorf("ParsePath(%q) = %v, %v\nwant: %s", in, got, err, want)
		}
	}
}

func TestPathsPrintPercentEncoded(t *testing.T) {
	p := []Segment{{Name: "a", Key: str("b/c d+e&f?g#h%")}, {Name: "WhoAmI", HasParens: true}}
	const want = "a('b%2Fc%20d%2Be%26f%3Fg%23h%25')/WhoAmI()"
	if got := FormatPath(p); got != want {
		t.Errorf("FormatPath = %s, want %s", got, want)
	}
	if got, want := p[0].String(), "a('b/c d+e&f?g#h%')"; got != want {
		t.Errorf("String = %s, want %s", got, want)
	}
}

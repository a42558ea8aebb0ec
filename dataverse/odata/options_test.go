package odata

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExpandTakesOptionsToAnyDepth(t *testing.T) {
	one := 1
	yes := true
	want := []Expand{
		{Path: "primarycontactid", Options: Options{Select: []string{"fullname", "*"}}},
		{Path: "tasks", Options: Options{
			Filter:  &Call{Name: "contains", Args: []Arg{{Value: path("subject")}, {Value: str("a;b),(c")}}},
			OrderBy: []Order{{By: path("x"), Desc: true}, {By: path("y")}},
			Top:     &one, Skip: &one, WithCount: &yes, Levels: "max",
			Search: `"a ) b" OR (c;d)`,
			Expand: []Expand{{Path: "ownerid", Ref: true}, {Path: "a/b", Count: true}},
		}},
		{Path: "Attributes", Cast: "Ns.StringAttributeMetadata", Options: Options{Select: []string{"MaxLength"}}},
		{Path: "*", Ref: true},
	}
	got, err := ParseExpand(` primarycontactid( $select = fullname , * ) ,tasks($filter=contains(subject,'a;b),(c');` +
		`$orderby=x desc,y asc;$top=1;$skip=1;$count=true;$levels=max;$search= "a ) b" OR (c;d) ;` +
		`$expand=ownerid/$ref,a/b/$count;),Attributes/Ns.StringAttributeMetadata($select=MaxLength),*/$ref`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ParseExpand (-want +got):\n%s", diff)
	}
}

func TestExpandRefusesWhatIsNoExpand(t *testing.T) {
	for in, want := range map[string]string{
		"a(":                 "An identifier was expected at position 2 in 'a('.",
		"a($top)":            "'=' expected at position 6 in 'a($top)'.",
		"a($top=-1)":         "Invalid value '-1' for $top query option found. The $top query option requires a non-negative integer value.",
		"a($count=1)":        "Invalid value '1' for $count query option found. Valid values are 'true' and 'false'.",
		"a($levels=x)":       "Invalid value 'x' for $levels query option found. The $levels query option requires a non-negative integer or 'max'.",
		"a($foo=1)":          "Syntax error at position 2 in 'a($foo=1)'.",
		"a($top=1;$top=1)":   "Query option '$top' was specified more than once, but it must be specified at most once.",
		"a($select=b":        "')' or operator expected at position 11 in 'a($select=b'.",
		"a($search=(b)":      "')' or operator expected at position 13 in 'a($search=(b)'.",
		"a,":                 "An identifier was expected at position 2 in 'a,'.",
		"*/x":                "'$ref' expected at position 2 in '*/x'.",
		"a/$value":           "Found system token in select or expand clause 'a/$value'.",
		"a()":                "Missing expand option on navigation property 'a'. If a parenthesis expression follows an expanded navigation property, then at least one expand option must be provided.",
		"a($expand=b($x=1))": "Syntax error at position 12 in 'a($expand=b($x=1))'.",
	} {
		got, err := ParseExpand(in)
		if err == nil || err.Error() != want {
			t.Errorf("ParseExpand(%q) = %v, %v\nwant: %s", in, got, err, want)
		}
	}
}

func TestApplyIsAChainOfSteps(t *testing.T) {
	want := []Transformation{
		{Filter: &Binary{Op: Eq, L: path("statecode"), R: &Literal{Kind: Number, Value: "0"}}},
		{GroupBy: &GroupBy{
			Paths: []Path{*path("a"), *path("b", "c")},
			Then: []Transformation{{Aggregate: []Aggregate{
				{Path: *path("revenue"), Method: "sum", Alias: "total"},
				{Path: *path("b", "c"), Method: "countdistinct", Alias: "d"},
				{Method: "$count", Alias: "n"},
			}}},
		}},
	}
	const in = "filter( statecode eq 0 )/groupby( ( a , b/c ) , aggregate(revenue with sum as total,b/c with countdistinct as d, $count as n) )"
	got, err := ParseApply(in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ParseApply (-want +got):\n%s", diff)
	}
}

func TestApplyRefusesWhatIsNoApply(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "'aggregate|filter|groupby' expected at position 0 in ''.",
		"topcount(5,a)":             "'aggregate|filter|groupby' expected at position 0 in 'topcount(5,a)'.",
		"groupby(a)":                "'(' expected at position 8 in 'groupby(a)'.",
		"groupby(())":               "An identifier was expected at position 9 in 'groupby(())'.",
		"aggregate(a)":              "'with' expected at position 11 in 'aggregate(a)'.",
		"aggregate(a with f as b)":  "Unrecognized with 'f' at position 17 in 'aggregate(a with f as b)'.",
		"aggregate(a with sum)":     "'as' expected at position 20 in 'aggregate(a with sum)'.",
		"aggregate($count as 'x')":  "An identifier was expected at position 20 in 'aggregate($count as 'x')'.",
		"filter(a)/":                "'aggregate|filter|groupby' expected at position 10 in 'filter(a)/'.",
		"aggregate(a with sum as b": "')' or ',' expected at position 25 in 'aggregate(a with sum as b'.",
	} {
		got, err := ParseApply(in)
		if err == nil || err.Error() != want {
			t.Errorf("ParseApply(%q) = %v, %v\nwant: %s", in, got, err, want)
		}
	}
}

func TestSelectTakesColumnsAndPaths(t *testing.T) {
	got, err := ParseSelect(" name, _primarycontactid_value ,*,IsCustomizable/Value")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"name", "_primarycontactid_value", "*", "IsCustomizable/Value"}, got); diff != "" {
		t.Errorf("ParseSelect (-want +got):\n%s", diff)
	}
	if got, err := ParseSelect(" "); got != nil || err != nil {
		t.Errorf("ParseSelect of a blank = %v, %v, want nil, nil", got, err)
	}
	if got, err := ParseSelect("a b"); err == nil {
		t.Errorf("ParseSelect(a b) = %v, want an error", got)
	}
}

func TestOptionsOfARequestComeBackFromTheirValues(t *testing.T) {
	q := url.Values{
		"$select":  {"name,revenue"},
		"$filter":  {"revenue gt 5 and contains(name,'a & b')"},
		"$orderby": {"revenue desc,name"},
		"$expand":  {"primarycontactid($select=fullname)"},
		"$apply":   {"groupby((a))"},
		"$top":     {"5"},
		"$skip":    {"0"},
		"$count":   {"false"},
		"$levels":  {"2"},
		"$search":  {"a b"},
		"$compute": {"a as b"},
	}
	o, err := ParseOptions(q)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(q, o.Values()); diff != "" {
		t.Errorf("Values of the parsed options (-want +got):\n%s", diff)
	}
}

func TestOptionsLeaveTheRestToTheCaller(t *testing.T) {
	o, err := ParseOptions(url.Values{"fetchXml": {"<"}, "@p1": {"'"}, "$skiptoken": {"<"}, "$id": {"x"}, "$select": {}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Options{}, o); diff != "" {
		t.Errorf("ParseOptions (-want +got):\n%s", diff)
	}
}

func TestOptionsRefuseUnknownAndRepeatedNames(t *testing.T) {
	for _, c := range []struct {
		q    url.Values
		want string
	}{
		{url.Values{"$Select": {"a"}}, "The query parameter $Select is not supported."},
		{url.Values{"$top": {"1", "2"}}, "Query option '$top' was specified more than once, but it must be specified at most once."},
		{url.Values{"$top": {"x"}}, "Invalid value 'x' for $top query option found. The $top query option requires a non-negative integer value."},
		{url.Values{"$filter": {"a b"}}, "Syntax error at position 2 in 'a b'."},
	} {
		if o, err := ParseOptions(c.q); err == nil || err.Error() != c.want {
			t.Errorf("ParseOptions(%v) = %v, %v, want %s", c.q, o, err, c.want)
		}
	}
}

package odata

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOperatorsBindAsInTheODataLibrary(t *testing.T) {
	for in, want := range map[string]string{
		"a or b and c":                  "(a or (b and c))",
		"a and b or c":                  "((a and b) or c)",
		"a and b and c":                 "((a and b) and c)",
		"a and (b and c)":               "(a and (b and c))",
		"a eq 1 and b ne 2":             "((a eq 1) and (b ne 2))",
		"a eq b eq c":                   "((a eq b) eq c)",
		"a add b mul c gt 3":            "((a add (b mul c)) gt 3)",
		"a sub b sub c":                 "((a sub b) sub c)",
		"(a add b) mul c":               "((a add b) mul c)",
		"a div b mod c":                 "((a div b) mod c)",
		"not a eq b":                    "((not a) eq b)",
		"not (a eq b)":                  "(not (a eq b))",
		"not(a)and b":                   "((not a) and b)",
		"not a in ('x')":                "(not (a in ('x')))",
		"-a add b":                      "((- a) add b)",
		"- -a":                          "(- (- a))",
		"a has N.E'x' eq true":          "((a has N.E'x') eq true)",
		"a eq -5":                       "(a eq -5)",
		"a eq - 5":                      "(a eq (- 5))",
		"eq eq eq":                      "(eq eq eq)",
		"\ta\neq\r\n( 1 ) ":             "(a eq 1)",
		"contains( name , 'x' )eq true": "(contains(name,'x') eq true)",
	} {
		x, err := ParseFilter(in)
		if err != nil {
			t.Errorf("ParseFilter(%q): %v", in, err)
			continue
		}
		if got := grouped(x); got != want {
			t.Errorf("ParseFilter(%q) groups as %s, want %s", in, got, want)
		}
	}
}

// grouped prints x with every parenthesis.
func grouped(x Expr) string {
	switch x := x.(type) {
	case *Unary:
		return "(" + string(x.Op) + " " + grouped(x.X) + ")"
	case *Binary:
		return "(" + grouped(x.L) + " " + string(x.Op) + " " + grouped(x.R) + ")"
	}
	return x.String()
}

func TestLiteralsKeepTheirTextAndKind(t *testing.T) {
	for in, want := range map[string]Literal{
		"null":                                 {Kind: Null},
		"true":                                 {Kind: Bool, Value: "true"},
		"0":                                    {Kind: Number, Value: "0"},
		"-12.50":                               {Kind: Number, Value: "-12.50"},
		"1.5e-10":                              {Kind: Number, Value: "1.5e-10"},
		"12345678901234567890":                 {Kind: Number, Value: "12345678901234567890"},
		"INF":                                  {Kind: Number, Value: "INF"},
		"-INF":                                 {Kind: Number, Value: "-INF"},
		"NaN":                                  {Kind: Number, Value: "NaN"},
		"''":                                   {Kind: String},
		"''''":                                 {Kind: String, Value: "'"},
		"'O''Brien; (x), ü'":                   {Kind: String, Value: "O'Brien; (x), ü"},
		"4026BE43-6b69-e111-8f65-78e7d1620f5e": {Kind: GUID, Value: "4026be43-6b69-e111-8f65-78e7d1620f5e"},
		"abcdefab-6b69-e111-8f65-78e7d1620f5e": {Kind: GUID, Value: "abcdefab-6b69-e111-8f65-78e7d1620f5e"},
		"2024-06-12":                           {Kind: Date, Value: "2024-06-12"},
		"2024-06-12T14:13:17Z":                 {Kind: DateTime, Value: "2024-06-12T14:13:17Z"},
		"2024-06-12T14:13Z":                    {Kind: DateTime, Value: "2024-06-12T14:13Z"},
		"2024-06-12T14:13:17.1234567+05:30":    {Kind: DateTime, Value: "2024-06-12T14:13:17.1234567+05:30"},
		"14:13":                                {Kind: TimeOfDay, Value: "14:13"},
		"14:13:17.5":                           {Kind: TimeOfDay, Value: "14:13:17.5"},
		"duration'P12DT23H59M59.9S'":           {Kind: Duration, Value: "P12DT23H59M59.9S"},
		"duration'-PT5M'":                      {Kind: Duration, Value: "-PT5M"},
		"Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned,None'": {
			Kind: Enum, Value: "UserOwned,None", Type: "Microsoft.Dynamics.CRM.OwnershipTypes"},
	} {
		got, err := ParseFilter(in)
		if err != nil {
			t.Errorf("ParseFilter(%q): %v", in, err)
			continue
		}
		if diff := cmp.Diff(Expr(&want), got); diff != "" {
			t.Errorf("ParseFilter(%q) (-want +got):\n%s", in, diff)
		}
	}
}

func TestExpressionsParseToTheirTree(t *testing.T) {
	for in, want := range map[string]Expr{
		"primarycontactid/fullname": &Path{Segments: []string{"primarycontactid", "fullname"}},
		"$it/name":                  &Path{Segments: []string{"$it", "name"}},
		"tasks/$count":              &Path{Segments: []string{"tasks", "$count"}},
		"owner/Ns.team/name":        &Path{Segments: []string{"owner", "Ns.team", "name"}},
		"null/x":                    &Path{Segments: []string{"null", "x"}},
		"@p1":                       &Alias{Name: "p1"},
		"now()":                     &Call{Name: "now"},
		"cast(a,Edm.String)":        &Call{Name: "cast", Args: []Arg{{Value: path("a")}, {Value: path("Edm.String")}}},
		"a/b/Ns.F(X=@p)": &Call{On: []string{"a", "b"}, Name: "Ns.F",
			Args: []Arg{{Name: "X", Value: &Alias{Name: "p"}}}},
		`Ns.In(PropertyName='c',PropertyValues=["1",'2'])`: &Call{Name: "Ns.In", Args: []Arg{
			{Name: "PropertyName", Value: str("c")},
			{Name: "PropertyValues", Value: &List{JSON: true, Items: []Expr{str("1"), str("2")}}},
		}},
		"F(T={'@odata.id': 'contacts(1)', 'n': [1, null, {\"a\": \"'\"}]})": &Call{Name: "F", Args: []Arg{
			{Name: "T", Value: &Object{Text: `{"@odata.id":"contacts(1)","n":[1,null,{"a":"'"}]}`}},
		}},
		"tasks/any()": &Lambda{Path: []string{"tasks"}},
		"tasks/all(o:o/x)": &Lambda{Path: []string{"tasks"}, All: true, Var: "o",
			Body: path("o", "x")},
		"a/any(o:o/b/any(p:p/x eq o/y))": &Lambda{Path: []string{"a"}, Var: "o",
			Body: &Lambda{Path: []string{"o", "b"}, Var: "p",
				Body: &Binary{Op: Eq, L: path("p", "x"), R: path("o", "y")}}},
		"a in ('x',null)": &Binary{Op: In, L: path("a"), R: &List{Items: []Expr{str("x"), &Literal{}}}},
		`a in ["x"]`:      &Binary{Op: In, L: path("a"), R: &List{JSON: true, Items: []Expr{str("x")}}},
		"a in @p":         &Binary{Op: In, L: path("a"), R: &Alias{Name: "p"}},
	} {
		got, err := ParseFilter(in)
		if err != nil {
			t.Errorf("ParseFilter(%q): %v", in, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ParseFilter(%q) (-want +got):\n%s", in, diff)
		}
	}
}

func path(segments ...string) *Path { return &Path{Segments: segments} }

func str(s string) *Literal { return &Literal{Kind: String, Value: s} }

func TestValuesMayBeJSON(t *testing.T) {
	for in, want := range map[string]string{
		`["OBrian","O'Brian"]`:           `["OBrian","O'Brian"]`,
		` [ 'a' , "b" ] `:                `["a","b"]`,
		`['a\'b',"\u00fc\n"]`:            `["a'b","ü\n"]`,
		`[]`:                             `[]`,
		`[[1],{"a":{}}]`:                 `[[1],{"a":{}}]`,
		`[N.E'x',2024-06-12,null,false]`: `[N.E'x',2024-06-12,null,false]`,
		`{'a':'<&>'}`:                    `{"a":"<&>"}`,
		`'lastname'`:                     `'lastname'`,
		`null`:                           `null`,
	} {
		got, err := ParseValue(in)
		if err != nil {
			t.Errorf("ParseValue(%q): %v", in, err)
			continue
		}
		if got.String() != want {
			t.Errorf("ParseValue(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestFaultsAreToldAsTheServiceTellsThem(t *testing.T) {
	for in, want := range map[string]string{
		"lastname eq 'O'Bryan'":     "There is an unterminated literal at position 21 in 'lastname eq 'O'Bryan''.",
		"'some":                     "There is an unterminated string literal at position 5 in ''some'.",
		"'some''":                   "There is an unterminated string literal at position 7 in ''some'''.",
		"^":                         "Syntax error: character '^' is not valid at position 0 in '^'.",
		"4.a":                       "A digit was expected at position 2 in '4.a'.",
		"4Ea":                       "A digit was expected at position 2 in '4Ea'.",
		"":                          "Expression expected at position 0 in ''.",
		"a eq":                      "Expression expected at position 4 in 'a eq'.",
		"a EQ 1":                    "Syntax error at position 2 in 'a EQ 1'.",
		"(a eq 1":                   "')' or operator expected at position 7 in '(a eq 1'.",
		"contains(a":                "')' or ',' expected at position 10 in 'contains(a'.",
		"a in 'x'":                  "'(' expected at position 5 in 'a in 'x''.",
		"a in ()":                   "Expression expected at position 6 in 'a in ()'.",
		"a/":                        "An identifier was expected at position 2 in 'a/'.",
		"a/all()":                   "An identifier was expected at position 6 in 'a/all()'.",
		"a/any(o o)":                "':' expected at position 8 in 'a/any(o o)'.",
		"x'y'":                      "Syntax error at position 0 in 'x'y''.",
		"duration'PT'":              "Syntax error at position 0 in 'duration'PT''.",
		"a eq 2024-06-12T14:13:17":  "Syntax error at position 9 in 'a eq 2024-06-12T14:13:17'.",
		"a eq 2024-02-30":           "Syntax error at position 9 in 'a eq 2024-02-30'.",
		"a eq [1]":                  "Expression expected at position 5 in 'a eq [1]'.",
		"@":                         "Syntax error: character '@' is not valid at position 0 in '@'.",
		"F(A=['O''Brien'])":         "Invalid JSON. A comma character ',' was expected in scope 'Array'. Every two elements in an array and properties of an object must be separated by commas.",
		"F(A=['a'":                  "Found an unbalanced bracket expression.",
		"F(A=['a)":                  "Found an unbalanced bracket expression.",
		"F(A=[a])":                  "Invalid JSON. Unexpected token at position 5 in 'F(A=[a])'.",
		"F(A={'a':01})":             "Invalid JSON. Unexpected token at position 9 in 'F(A={'a':01})'.",
		"F(A={a:1})":                "Invalid JSON. Unexpected token at position 5 in 'F(A={a:1})'.",
		"a eq '\xff'":               "The text is not valid UTF-8.",
		strings.Repeat("(", 100000): "Recursion depth exceeded allowed limit.",
	} {
		x, err := ParseFilter(in)
		fault, ok := errors.AsType[*SyntaxError](err)
		if !ok {
			t.Errorf("ParseFilter(%.40q) = %v, %v, want a SyntaxError", in, x, err)
			continue
		}
		if fault.Error() != want {
			t.Errorf("ParseFilter(%.40q): %s\nwant: %s", in, fault, want)
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	nest := func(open, middle, closing string, n int) string {
		return strings.Repeat(open, n) + middle + strings.Repeat(closing, n)
	}
	expand := func(s string) error { _, err := ParseExpand(s); return err }
	filter := func(s string) error { _, err := ParseFilter(s); return err }
	value := func(s string) error { _, err := ParseValue(s); return err }
	apply := func(s string) error { _, err := ParseApply(s); return err }
	for _, c := range []struct {
		parse                 func(string) error
		open, middle, closing string
	}{
		{filter, "(", "a", ")"},
		{filter, "not ", "a", ""},
		{filter, "f(", "a", ")"},
		{filter, "a/any(o:", "o", ")"},
		{filter, "a in (", "a", ")"},
		{value, "[", "1", "]"},
		{value, "[{'a':", "1", "}]"},
		{expand, "a($expand=", "a", ")"},
		{apply, "groupby((a),", "filter(a)", ")"},
	} {
		if err := c.parse(nest(c.open, c.middle, c.closing, 40)); err != nil {
			t.Errorf("%s nested 40 deep: %v", c.open, err)
		}
		if err := c.parse(nest(c.open, c.middle, c.closing, 100000)); err == nil {
			t.Errorf("%s nested 100000 deep is taken", c.open)
		}
	}
}

func TestLongChainsAreNotDeep(t *testing.T) {
	in := "a eq 1" + strings.Repeat(" or a eq 1", 5000)
	x, err := ParseFilter(in)
	if err != nil {
		t.Fatal(err)
	}
	if x.String() != in {
		t.Error("a chain of 5000 or does not print as it was")
	}
}

func TestPrintingUsesTheFewestParentheses(t *testing.T) {
	for in, want := range map[string]string{
		"((a) and ((b eq (1))))":   "a and b eq 1",
		"(a or b) and c":           "(a or b) and c",
		"a or (b and c)":           "a or b and c",
		"a sub (b sub c)":          "a sub (b sub c)",
		"not (not (a))":            "not not a",
		"-(5)":                     "- 5",
		"-(a has N.E'x')":          "-a has N.E'x'",
		"(-a) has N.E'x'":          "(-a) has N.E'x'",
		"contains ( (a) , ('x') )": "contains(a,'x')",
		"a/any( o : (o/x eq 1) )":  "a/any(o:o/x eq 1)",
		"a in ( 'x' , ('y') )":     "a in ('x','y')",
		"- INF/a":                  "- INF/a",
	} {
		x, err := ParseFilter(in)
		if err != nil {
			t.Errorf("ParseFilter(%q): %v", in, err)
			continue
		}
		if x.String() != want {
			t.Errorf("ParseFilter(%q) prints %s, want %s", in, x, want)
		}
	}
}

func TestWalkGoesLeftToRightAndStopsWhereTold(t *testing.T) {
	x, err := ParseFilter("f(a) eq 1 and not b/any(o:c in (d,e)) or a/any()")
	if err != nil {
		t.Fatal(err)
	}
	paths := func(below bool) string {
		var names []string
		Walk(x, func(e Expr) bool {
			if p, ok := e.(*Path); ok {
				names = append(names, p.String())
			}
			_, isLambda := e.(*Lambda)
			return below || !isLambda
		})
		return strings.Join(names, " ")
	}
	if got := paths(true); got != "a c d e" {
		t.Errorf("Walk meets %q, want a c d e", got)
	}
	if got := paths(false); got != "a" {
		t.Errorf("Walk that leaves lambdas out meets %q, want a", got)
	}
}

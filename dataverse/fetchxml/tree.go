package fetchxml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// What a query may be at the most.
const (
	MaxBytes      = 64 << 10 // a GET inside $batch may be no longer
	MaxDepth      = 32
	MaxLinks      = 15
	MaxConditions = 500 // together with links
	MaxValues     = 2000
)

// node is an element that the grammar knows, with attributes that it may have.
type node struct {
	name     string
	line     int
	attrs    map[string]string
	children []*node
	text     strings.Builder
}

// rule says what may stand in an element.
type rule struct{ attributes, children map[string]bool }

func set(words string) map[string]bool {
	all := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		all[word] = true
	}
	return all
}

var bodyChildren = set("all-attributes no-attrs attribute order filter link-entity")

// rules is the grammar. Attributes that only designers read are in it, such as the savedqueryid of a view.
var rules = map[string]rule{
	"fetch": {set("version count page paging-cookie utc-offset aggregate aggregatelimit distinct top mapping no-lock " +
		"min-active-row-version output-format returntotalrecordcount datasource latematerialize options useraworderby savedqueryid"), set("entity")},
	"entity": {set("name enableprefiltering prefilterparametername"), bodyChildren},
	"link-entity": {set("name from to alias link-type intersect visible enableprefiltering prefilterparametername"),
		bodyChildren},
	"all-attributes": {nil, nil},
	"no-attrs":       {nil, nil},
	"attribute": {set("name alias aggregate groupby dategrouping usertimezone distinct rowaggregate build addedby"),
		nil},
	"order": {set("attribute alias entityname descending"), nil},
	"filter": {set("type isquickfindfields overridequickfindrecordlimitenabled overridequickfindrecordlimitdisabled hint"),
		set("condition filter link-entity")},
	"condition": {set("attribute entityname operator value valueof column aggregate rowaggregate alias uiname uitype uihidden"),
		set("value")},
	"value": {set("uiname uitype"), nil},
}

// readTree reads the text into nodes. It takes elements, attributes and text, and nothing that XML can do beside.
func readTree(text string) (*node, error) {
	if text == "" {
		return nil, &Error{Code: codeEmpty, Msg: "the query is empty"}
	}
	if len(text) > MaxBytes {
		return nil, &Error{Code: codeInvalidXML, Msg: fmt.Sprintf("the query has %d bytes, more than %d", len(text), MaxBytes)}
	}
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil } // it is a string already
	t := treeReader{rules: map[string]bool{"fetch": true}}
	for {
		token, err := d.Token()
		t.line, _ = d.InputPos()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, t.fail(codeInvalidXML, "Invalid XML: %s", strings.TrimPrefix(err.Error(), "XML syntax error on "))
		}
		if err := t.take(token); err != nil {
			return nil, err
		}
	}
	if t.root == nil {
		return nil, t.fail(codeNoElement, "the query has no element fetch")
	}
	return t.root, nil
}

type treeReader struct {
	root  *node
	open  []*node
	rules map[string]bool // what may stand at the top
	line  int
}

func (t *treeReader) fail(code, format string, args ...any) *Error {
	return &Error{Code: code, Line: t.line, Msg: fmt.Sprintf(format, args...)}
}

func (t *treeReader) take(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		return t.start(token)
	case xml.EndElement:
		t.open = t.open[:len(t.open)-1]
	case xml.CharData:
		return t.characters(string(token))
	case xml.Directive:
		return t.fail(codeInvalidXML, "a document type or other declaration is not allowed in a query")
	case xml.ProcInst:
		if token.Target != "xml" || t.root != nil {
			return t.fail(codeInvalidXML, "the processing instruction %s is not allowed in a query", token.Target)
		}
	}
	return nil
}

func (t *treeReader) start(e xml.StartElement) error {
	allowed := t.rules
	if len(t.open) > 0 {
		allowed = rules[t.open[len(t.open)-1].name].children
	}
	name := e.Name.Local
	if e.Name.Space != "" || !allowed[name] {
		return t.fail(codeInvalidNode, "Invalid Child Node, valid nodes are %s. NodeName = %s%s",
			strings.Join(slices.Sorted(maps.Keys(allowed)), ", "), name, known(name, allowed))
	}
	if len(t.open) == 0 && t.root != nil {
		return t.fail(codeInvalidXML, "the query has more than one root element")
	}
	if len(t.open) == MaxDepth {
		return t.fail(codeInvalidXML, "elements are nested deeper than %d", MaxDepth)
	}
	n := &node{name: name, line: t.line, attrs: map[string]string{}}
	for _, a := range e.Attr {
		key := a.Name.Local
		if a.Name.Space == "xmlns" { // a prefix for what other programs put beside the query
			continue
		}
		if a.Name.Space != "" || !rules[name].attributes[key] {
			return t.fail(codeInvalidXML, "the element %s has no attribute %s%s", name, key, known(key, rules[name].attributes))
		}
		if _, twice := n.attrs[key]; twice {
			return t.fail(codeInvalidXML, "the element %s has the attribute %s twice", name, key)
		}
		n.attrs[key] = a.Value
	}
	if len(t.open) == 0 {
		t.root = n
	} else {
		parent := t.open[len(t.open)-1]
		parent.children = append(parent.children, n)
	}
	t.open = append(t.open, n)
	return nil
}

// characters takes text where a value stands, and blanks anywhere.
func (t *treeReader) characters(text string) error {
	if len(t.open) > 0 && t.open[len(t.open)-1].name == "value" {
		t.open[len(t.open)-1].text.WriteString(text)
		return nil
	}
	if strings.Trim(text, " \t\r\n\ufeff") != "" {
		return t.fail(codeInvalidXML, "the text %.20q stands outside of an element value", strings.TrimSpace(text))
	}
	return nil
}

package emulator

import (
	"net/http"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// view is what of the definitions of one type an answer shows: $select, $filter and $expand.
type view struct {
	declared *metadataType // what the client expects: another type is named with @odata.type
	selected []string      // nil is everything
	filter   odata.Expr
	expand   []subview
	// baseFirst puts MetadataId and HasChanged first, as the service does behind $expand and casts without $select.
	baseFirst bool
	order     map[*metadataType][]int // by the type of a definition: which properties to show, made when first needed
}

// subview is one item of $expand.
type subview struct {
	nav        string
	collection bool
	view       *view
}

// notForMetadata are the options that definitions refuse.
var notForMetadata = []string{"$top", "$skip", "$orderby", "$count", "$apply", "$search", "$skiptoken"}

// metadataView reads the options of a request for definitions of a type.
func (c *call) metadataView(declared *metadataType, cast bool) (*view, error) {
	for _, name := range notForMetadata {
		if c.query.Has(name) {
			return nil, badRequest("The query parameter %s is not supported", name)
		}
	}
	options, err := odata.ParseOptions(c.query)
	if err != nil {
		return nil, err
	}
	s, err := c.newView(declared, options)
	if err != nil {
		return nil, err
	}
	s.baseFirst = cast || options.Expand != nil
	return s, nil
}

func (c *call) newView(declared *metadataType, o odata.Options) (*view, error) {
	s := &view{declared: declared, selected: o.Select, order: map[*metadataType][]int{}}
	if o.Filter != nil {
		filter, err := c.withoutAliases(o.Filter)
		if err != nil {
			return nil, err
		}
		if err := s.check(filter); err != nil {
			return nil, err
		}
		s.filter = filter
	}
	for _, name := range o.Select {
		if _, nav := declared.nav(name); name != "*" && !nav && !declared.has(name) {
			return nil, noSuchProperty(name, declared.name)
		}
	}
	if slices.Contains(o.Select, "*") {
		s.selected = nil
	}
	for _, item := range o.Expand {
		e, err := c.newSubview(declared, item)
		if err != nil {
			return nil, err
		}
		s.expand = append(s.expand, e)
	}
	return s, nil
}

func (t *metadataType) has(name string) bool {
	_, ok := t.index[name]
	return ok
}

func (c *call) newSubview(declared *metadataType, item odata.Expand) (subview, error) {
	nav, ok := declared.nav(item.Path)
	switch {
	case !ok && declared.has(item.Path):
		return subview{}, badRequest("Property '%s' on type '%s%s' is not a navigation property or complex property. Only navigation properties can be expanded.",
			item.Path, namespace, declared.name)
	case !ok:
		return subview{}, noSuchProperty(item.Path, declared.name)
	case item.Ref || item.Count:
		return subview{}, badRequest("Expand with $ref is only supported on lookup type navigation property.")
	case item.Top != nil:
		return subview{}, badRequest("The query parameter $top is not supported")
	case item.OrderBy != nil:
		return subview{}, badRequest("The query parameter $orderby is not supported")
	}
	kind, collection := nav.collection()
	target := loadMetadataTypes().byName[kind]
	if item.Cast != "" {
		cast, err := castOf(item.Cast, target)
		if err != nil {
			return subview{}, err
		}
		target = cast
	}
	inner, err := c.newView(target, item.Options)
	if err != nil {
		return subview{}, err
	}
	inner.baseFirst = true
	return subview{nav: nav.name, collection: collection, view: inner}, nil
}

// castOf finds the type that a cast names, which must derive from the declared one.
func castOf(name string, declared *metadataType) (*metadataType, error) {
	short, qualified := strings.CutPrefix(name, namespace)
	t := loadMetadataTypes().byName[short]
	if !qualified || t == nil || t.kind != "entity" || !t.isA(declared) {
		return nil, noSuchSegment(name)
	}
	return t, nil
}

// clause is the view as the context URL tells it: (LogicalName,OptionSet(Options)).
func (s *view) clause() string {
	parts := slices.Clone(s.selected)
	for _, e := range s.expand {
		inner := e.view.clause()
		if inner == "" {
			inner = "()"
		}
		parts = append(parts, e.nav+inner)
	}
	if len(parts) == 0 {
		return ""
	}
	return "(" + strings.Join(parts, ",") + ")"
}

// properties says which properties of a definition of the type to show.
func (s *view) properties(kind *metadataType) []int {
	if order, ok := s.order[kind]; ok {
		return order
	}
	var order []int
	for i := range kind.all {
		if s.baseFirst && s.selected == nil {
			i = kind.expanded[i]
		}
		if name := kind.all[i].name; s.selected == nil || name == "MetadataId" || slices.Contains(s.selected, name) {
			order = append(order, i)
		}
	}
	s.order[kind] = order
	return order
}

// object appends a definition as a JSON object. Context, where given, comes first.
func (s *view) object(b []byte, d *definition, context string) []byte {
	b = append(b, '{')
	start := len(b)
	if context != "" {
		b = append(b, `"@odata.context":`...)
		b = appendString(b, context)
	}
	if d.kind != s.declared {
		b = comma(b, start)
		b = append(append(append(b, `"@odata.type":"#`+namespace...), d.kind.name...), '"')
	}
	if s.selected == nil && !s.baseFirst {
		b = append(comma(b, start), d.json...)
	} else {
		for _, i := range s.properties(d.kind) {
			b = append(comma(b, start), d.property(i)...)
		}
	}
	for _, e := range s.expand {
		b = e.append(comma(b, start), d)
	}
	return append(b, '}')
}

func comma(b []byte, start int) []byte {
	if len(b) > start {
		return append(b, ',')
	}
	return b
}

func (e subview) append(b []byte, d *definition) []byte {
	b = append(append(append(b, '"'), e.nav...), `":`...)
	var related []*definition
	if d.follow != nil {
		related = d.follow(e.nav)
	}
	if e.collection {
		return e.view.list(b, related)
	}
	if len(related) == 0 {
		return append(b, "null"...)
	}
	return e.view.object(b, related[0], "")
}

// list appends the definitions that the filter lets through, as a JSON array.
func (s *view) list(b []byte, all []*definition) []byte {
	b = append(b, '[')
	start := len(b)
	for _, d := range all {
		if !d.kind.isA(s.declared) {
			continue
		}
		if s.filter != nil && !s.matches(d) {
			continue
		}
		b = s.object(comma(b, start), d, "")
	}
	return append(b, ']')
}

// answerMetadata writes definitions: one, or a collection.
func (c *call) answerMetadata(at place, cast bool) error {
	s, err := c.metadataView(at.declared, cast)
	if err != nil {
		return err
	}
	context := c.root + "$metadata#" + at.set + at.cast + s.clause()
	if at.one {
		return c.answer(http.StatusOK, s.object(nil, at.all[0], context+"/$entity"))
	}
	body := append(appendString([]byte(`{"@odata.context":`), context), `,"value":`...)
	return c.answer(http.StatusOK, append(s.list(body, at.all), '}'))
}

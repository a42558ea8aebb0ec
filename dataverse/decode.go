package dataverse

import (
	"context"
	"io"
	"strings"
)

// page is a collection as the service sends it.
type page struct {
	rows     []Row
	nextLink string
	count    int64 // -1 when not told
	// What a FetchXML query is answered with beside its rows.
	more    bool
	cookie  string
	counted int64 // -1 when not told
	notAll  bool  // counted stopped at a limit
	// What a query for changes is answered with.
	deltaLink string
	deleted   []string // ids
}

const (
	annotationLabel = "OData.Community.Display.V1.FormattedValue"
	annotationTable = "Microsoft.Dynamics.CRM.lookuplogicalname"
	// wantedAnnotations keeps the answer small: only what Row has a place for.
	wantedAnnotations = `odata.include-annotations="` + annotationLabel + "," + annotationTable + `"`
)

// shape says how rows of an answer are to be read: what the columns are called, and in which order they were asked for.
type shape struct {
	name     string            // of the table; "" for rows of an aggregate
	table    *Table            // nil where it is not known
	columns  []string          // nil: all, in the order of the answer
	expanded map[string]*shape // by navigation property as the service spells it
	parties  *partyColumns     // nil where none are asked for
	full     int               // rows from which on an expanded collection with a next link was cut
	nulls    bool              // the service leaves out columns without a value
	changes  bool              // among the rows stand the ids of those that are gone
	seen     map[string]property
	only     bool                  // seen holds all that is wanted
	strange  bool                  // with only: the answer had what is neither wanted nor added by the service
	kinds    map[string]ColumnType // of columns, by what rows call them; nil: as seen tells
}

// kind is the type of a column that the answer left out.
func (s *shape) kind(name string) ColumnType {
	if s.kinds != nil {
		return s.kinds[name]
	}
	return s.property(name).kind
}

// property is what a property name of a row means.
type property struct {
	name       string // column it belongs to
	annotation string // "" for the value itself
	kind       ColumnType
	isID       bool
}

// property tells what key means.
func (s *shape) property(key string) property {
	p, ok := s.seen[key]
	if ok {
		return p
	}
	p = readName(key)
	switch {
	case s.only && p.name != "":
		s.strange = s.strange || p.annotation == "" && !addedUnasked(p.name)
		p = property{annotation: "unwanted"}
	case s.table != nil:
		if c, ok := s.table.Column(p.name); ok {
			p.kind = c.Type
		}
		p.isID = p.name == s.table.PrimaryID
	}
	if s.seen == nil {
		s.seen = map[string]property{}
	}
	s.seen[key] = p
	return p
}

// addedUnasked says whether the service adds the column to what is selected: the currency of amounts, and the owner that
// a user or a team is.
func addedUnasked(column string) bool {
	return column == "transactioncurrencyid" || column == "ownerid"
}

// inner is the shape of the rows behind a navigation property.
func (s *shape) inner(name string) *shape {
	if inner := s.expanded[name]; inner != nil {
		return inner
	}
	return &shape{}
}

// readName tells a column from an annotation of it, and takes the _x_value form off a lookup.
func readName(key string) property {
	name, annotation, _ := strings.Cut(key, "@")
	if inner, ok := lookupProperty(name); ok {
		name = inner
	}
	return property{name: name, annotation: annotation}
}

// rows sends r, and reads the rows of the answer while they come.
func (c *Client) rows(ctx context.Context, r request, s *shape) (p page, a *answer, err error) {
	r.read = func(body io.Reader) (err error) {
		p, err = readPage(body, s)
		return err
	}
	a, err = c.do(ctx, r)
	return p, a, err
}

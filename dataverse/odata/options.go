package odata

import (
	"bytes"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ParseOptions reads the system query options of a request. Names without $ are not its business, nor are $skiptoken,
// $deltatoken, $format and $id, which have no grammar of their own; any other unknown $-name is an error.
func ParseOptions(q url.Values) (Options, error) {
	var o Options
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !strings.HasPrefix(name, "$") {
			continue
		}
		values := q[name]
		if len(values) > 1 {
			return Options{}, &SyntaxError{Input: name, Pos: -1, Msg: repeated(name)}
		}
		if len(values) == 0 {
			continue
		}
		if err := o.set(name, values[0]); err != nil {
			return Options{}, err
		}
	}
	return o, nil
}

func (o *Options) set(name, value string) (err error) {
	switch name {
	case "$select":
		// Microsoft's basic operations sample ends its $select with a comma, and the service takes it.
		o.Select, err = ParseSelect(strings.TrimSuffix(strings.TrimSpace(value), ","))
	case "$filter":
		o.Filter, err = ParseFilter(value)
	case "$orderby":
		o.OrderBy, err = ParseOrderBy(value)
	case "$expand":
		o.Expand, err = ParseExpand(value)
	case "$apply":
		o.Apply, err = ParseApply(value)
	case "$top":
		o.Top, err = parseCount(name, strings.TrimSpace(value))
	case "$skip":
		o.Skip, err = parseCount(name, strings.TrimSpace(value))
	case "$count":
		o.WithCount, err = parseFlag(name, strings.TrimSpace(value))
	case "$levels":
		o.Levels, err = parseLevels(strings.TrimSpace(value))
	case "$search":
		o.Search = strings.TrimSpace(value)
	case "$compute":
		o.Compute = strings.TrimSpace(value)
	case "$skiptoken", "$deltatoken", "$format", "$id":
	default:
		err = &SyntaxError{Input: name, Pos: -1, Msg: "The query parameter " + name + " is not supported"}
	}
	return err
}

// Values are the options as query parameters of a request.
func (o Options) Values() url.Values {
	q := url.Values{}
	o.each(q.Set)
	return q
}

// String prints the options as they stand inside an $expand: $select=name;$top=5.
func (o Options) String() string {
	var parts []string
	o.each(func(name, value string) { parts = append(parts, name+"="+value) })
	return strings.Join(parts, ";")
}

// each calls fn for every option that is given.
func (o Options) each(fn func(name, value string)) {
	if len(o.Select) > 0 {
		fn("$select", strings.Join(o.Select, ","))
	}
	if o.Filter != nil {
		fn("$filter", o.Filter.String())
	}
	if len(o.OrderBy) > 0 {
		fn("$orderby", FormatOrderBy(o.OrderBy))
	}
	if len(o.Expand) > 0 {
		fn("$expand", FormatExpand(o.Expand))
	}
	if len(o.Apply) > 0 {
		fn("$apply", FormatApply(o.Apply))
	}
	if o.Top != nil {
		fn("$top", strconv.Itoa(*o.Top))
	}
	if o.Skip != nil {
		fn("$skip", strconv.Itoa(*o.Skip))
	}
	if o.WithCount != nil {
		fn("$count", strconv.FormatBool(*o.WithCount))
	}
	if o.Levels != "" {
		fn("$levels", o.Levels)
	}
	if o.Search != "" {
		fn("$search", o.Search)
	}
	if o.Compute != "" {
		fn("$compute", o.Compute)
	}
}

// FormatOrderBy prints the value of $orderby.
func FormatOrderBy(keys []Order) string { return joined(keys, ",") }

// FormatExpand prints the value of $expand.
func FormatExpand(items []Expand) string { return joined(items, ",") }

// FormatApply prints the value of $apply.
func FormatApply(steps []Transformation) string { return joined(steps, "/") }

// String prints the key; asc goes without saying.
func (o Order) String() string {
	if o.Desc {
		return o.By.String() + " desc"
	}
	return o.By.String()
}

// String prints the item with its options.
func (e Expand) String() string {
	s := e.Path
	if e.Cast != "" {
		s += "/" + e.Cast
	}
	switch {
	case e.Ref:
		s += "/$ref"
	case e.Count:
		s += "/$count"
	}
	if options := e.Options.String(); options != "" {
		s += "(" + options + ")"
	}
	return s
}

// String prints the step.
func (t Transformation) String() string {
	switch {
	case t.Filter != nil:
		return "filter(" + t.Filter.String() + ")"
	case t.GroupBy != nil:
		return t.GroupBy.String()
	}
	return "aggregate(" + joined(t.Aggregate, ",") + ")"
}

// String prints groupby((a,b),…).
func (g GroupBy) String() string {
	var out bytes.Buffer
	out.WriteString("groupby((")
	for i, p := range g.Paths {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(p.String())
	}
	out.WriteByte(')')
	if len(g.Then) > 0 {
		out.WriteString("," + FormatApply(g.Then))
	}
	out.WriteByte(')')
	return out.String()
}

// String prints revenue with sum as total.
func (a Aggregate) String() string {
	if a.Method == "$count" {
		return "$count as " + a.Alias
	}
	return a.Path.String() + " with " + a.Method + " as " + a.Alias
}

func joined[T interface{ String() string }](items []T, sep string) string {
	parts := make([]string, len(items))
	for i, item := range items {
		parts[i] = item.String()
	}
	return strings.Join(parts, sep)
}

package fetchxml

import (
	"bytes"
	"encoding/xml"
	"strconv"
)

// String is the query as text, in one line: what Parse reads as the same tree.
func (f *Fetch) String() string {
	var w writer
	w.open("fetch")
	w.attr("version", f.Version)
	w.attr("output-format", f.OutputFormat)
	w.attr("mapping", f.Mapping)
	w.attr("utc-offset", f.UTCOffset)
	w.number("top", f.Top)
	w.number("count", f.Count)
	w.number("page", f.Page)
	w.attr("paging-cookie", f.PagingCookie)
	w.flag("distinct", f.Distinct)
	w.flag("aggregate", f.Aggregate)
	w.number("aggregatelimit", f.AggregateLimit)
	w.flag("returntotalrecordcount", f.TotalRecordCount)
	w.flag("useraworderby", f.RawOrderBy)
	w.flag("no-lock", f.NoLock)
	w.flag("latematerialize", f.LateMaterialize)
	w.flag("min-active-row-version", f.MinActiveRow)
	w.attr("datasource", f.DataSource)
	w.attr("options", f.QueryHints)
	w.children("fetch", func() {
		w.open("entity")
		w.attr("name", f.Entity.Name)
		w.body("entity", &f.Entity.Body)
	})
	return w.String()
}

type writer struct{ bytes.Buffer }

func (w *writer) open(element string) { w.WriteString("<" + element) }

// attr writes an attribute that is given.
func (w *writer) attr(name, value string) {
	if value != "" {
		w.always(name, value)
	}
}

func (w *writer) always(name, value string) {
	w.WriteString(" " + name + `="`)
	_ = xml.EscapeText(w, []byte(value)) // a bytes.Buffer does not fail
	w.WriteByte('"')
}

func (w *writer) flag(name string, value bool) {
	if value {
		w.always(name, "true")
	}
}

func (w *writer) number(name string, value int) {
	if value != 0 {
		w.always(name, strconv.Itoa(value))
	}
}

// children ends an element: with what content writes, or at once when that is nothing.
func (w *writer) children(element string, content func()) {
	before := w.Len()
	w.WriteByte('>')
	content()
	if w.Len() > before+1 {
		w.WriteString("</" + element + ">")
		return
	}
	w.Truncate(before)
	w.WriteString("/>")
}

func (w *writer) body(element string, b *Body) {
	w.children(element, func() {
		if b.All {
			w.WriteString("<all-attributes/>")
		}
		for i := range b.Attributes {
			w.attribute(&b.Attributes[i])
		}
		for _, o := range b.Orders {
			w.open("order")
			w.attr("attribute", o.Attribute)
			w.attr("alias", o.Alias)
			w.attr("entityname", o.EntityName)
			w.flag("descending", o.Descending)
			w.WriteString("/>")
		}
		for i := range b.Filters {
			w.filter(&b.Filters[i])
		}
		for i := range b.Links {
			w.link(&b.Links[i])
		}
	})
}

func (w *writer) attribute(a *Attribute) {
	w.open("attribute")
	w.attr("name", a.Name)
	w.attr("alias", a.Alias)
	w.attr("aggregate", string(a.Aggregate))
	w.flag("distinct", a.Distinct)
	w.flag("groupby", a.GroupBy)
	w.attr("dategrouping", string(a.DateGrouping))
	if a.UTC {
		w.always("usertimezone", "false")
	}
	w.attr("rowaggregate", a.RowAggregate)
	w.WriteString("/>")
}

func (w *writer) link(l *Link) {
	w.open("link-entity")
	w.attr("name", l.Name)
	w.attr("from", l.From)
	w.attr("to", l.To)
	w.attr("alias", l.Alias)
	w.attr("link-type", string(l.Type))
	w.flag("intersect", l.Intersect)
	w.body("link-entity", &l.Body)
}

func (w *writer) filter(f *Filter) {
	w.open("filter")
	if f.Or {
		w.always("type", "or")
	}
	w.flag("isquickfindfields", f.QuickFind)
	w.attr("hint", f.Hint)
	w.children("filter", func() {
		for i := range f.Conditions {
			w.condition(&f.Conditions[i])
		}
		for i := range f.Filters {
			w.filter(&f.Filters[i])
		}
		for i := range f.Links {
			w.link(&f.Links[i])
		}
	})
}

func (w *writer) condition(c *Condition) {
	w.open("condition")
	w.attr("entityname", c.EntityName)
	w.attr("attribute", c.Attribute)
	w.attr("operator", string(c.Operator))
	w.attr("valueof", c.ValueOf)
	if _, most := operators[c.Operator].count(); most == 1 && len(c.Values) == 1 {
		w.always("value", c.Values[0])
		w.WriteString("/>")
		return
	}
	w.children("condition", func() {
		for _, v := range c.Values {
			w.WriteString("<value>")
			_ = xml.EscapeText(w, []byte(v)) // a bytes.Buffer does not fail
			w.WriteString("</value>")
		}
	})
}

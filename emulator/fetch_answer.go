package emulator

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// answer reads a page of rows and writes it.
func (r *fetchRows) answer() error {
	p, err := r.window(r.terms, r.plain)
	if err != nil {
		return err
	}
	return r.db.Read(r.context(), func(ctx context.Context, db store.Querier) error {
		all, err := readAll(ctx, db, r.statement(p))
		if err != nil {
			return err
		}
		more := len(all) > p.size
		all = all[:min(len(all), p.size)]
		objects, err := r.render(ctx, db, all)
		if err != nil {
			return err
		}
		total, err := r.count(ctx, db, r.list)
		if err != nil {
			return err
		}
		end := cookie{page: p.number + 1}
		if !r.plain && len(all) > 0 {
			places := len(r.list)
			for i, term := range r.terms {
				end.last = append(end.last, cookieValue{term.name,
					term.cookieText(all[len(all)-1][places+i]), term.cookieText(all[0][places+i])})
			}
		}
		if r.everything {
			return r.write(objects, nil, total, more && !p.limited, end)
		}
		return r.write(objects, slices.Concat(r.asked, r.lookups), total, more && !p.limited, end)
	})
}

// count is how many rows there are, where the request wants to know; else -1.
func (q *fetchQuery) count(ctx context.Context, db store.Querier, list []any) (int, error) {
	if q.query.Get("$count") != "true" && !q.tree.TotalRecordCount {
		return -1, nil
	}
	return q.total(ctx, db, list, countLimit)
}

// write writes the page. Where the query numbers its pages, an annotation tells how to go on; else a nextLink does, too.
func (q *fetchQuery) write(objects [][]byte, asked []string, total int, more bool, end cookie) error {
	var body object
	contents := q.root + "$metadata#" + q.base.table.Set
	if len(asked) > 0 {
		contents += "(" + strings.Join(asked, ",") + ")"
	}
	q.writeContext(&body, contents)
	if total >= 0 {
		body.raw("@odata.count", strconv.AppendInt(nil, int64(min(total, countLimit)), 10))
	}
	if !more {
		return q.page(body, slices.Values(objects), total, "")
	}
	if len(end.last) > 0 && q.prefer.annotates("Microsoft.Dynamics.CRM.fetchxmlpagingcookie") {
		body.text("@Microsoft.Dynamics.CRM.fetchxmlpagingcookie", end.annotation())
	}
	if q.prefer.annotates("Microsoft.Dynamics.CRM.morerecords") {
		body.raw("@Microsoft.Dynamics.CRM.morerecords", []byte("true"))
	}
	next := ""
	if q.tree.Count == 0 && q.tree.Page == 0 {
		next = q.nextLink(end)
	}
	return q.page(body, slices.Values(objects), total, next)
}

// render makes the JSON object of each row, without the columns that have no value.
func (r *fetchRows) render(ctx context.Context, db store.Querier, all [][]any) ([][]byte, error) {
	writers := make([]renderer, len(r.tables))
	parts := make([][]row, len(r.tables))
	for i, t := range r.tables {
		writers[i] = renderer{projection: t.projection}
		for _, cells := range all {
			part := row{values: cells[t.at : t.at+len(t.physical)]}
			part.id = part.text(t.id)
			parts[i] = append(parts[i], part)
		}
		if err := writers[i].prepare(ctx, db, parts[i]); err != nil {
			return nil, err
		}
		writers[i].full = writers[i].full && i == 0 && t.id >= 0
	}
	objects := make([][]byte, len(all))
	for n, cells := range all {
		b := []byte{'{'}
		for i := range writers {
			if i == 0 {
				b = writers[i].appendControls(b, parts[i][n])
			}
			b, _ = writers[i].appendValues(b, 1, parts[i][n])
		}
		for _, c := range r.counts {
			b = r.appendCount(separate(b, 1), c, cells[c.at])
		}
		objects[n] = append(b, '}')
	}
	return objects, nil
}

func (r *fetchRows) appendCount(b []byte, c counted, v any) []byte {
	text := fmt.Sprint(v)
	if r.prefer.annotates(formattedValue) {
		b = append(appendString(b, c.name+"@"+formattedValue), ':')
		b = append(appendString(b, groupThousands(text)), ',')
	}
	return append(append(appendString(b, c.name), ':'), text...)
}

package emulator

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// rowChanges is a request that follows a table: for all of its rows, with a link to what changes after them
// (Prefer: odata.track-changes), or for what changed since such a link was given ($deltatoken).
type rowChanges struct {
	*call
	table  *schema.Table
	delta  bool
	since  int64 // row version that the client has; 0 for all rows
	until  stamp // where the link that follows goes on: later changes are for the request after this one
	start  cookie
	told   int64 // version of the last deletion on the pages before; as since where there was none
	number int   // rows in a page
}

// tracks reports whether the request follows changes. The preference is no more than one where there is no table to
// follow.
func (c *call) tracks(from source) bool {
	return c.query.Has("$deltatoken") || strings.Contains(c.query.Get("$skiptoken"), tracking) ||
		c.prefer.trackChanges && from.where.sql == ""
}

// untracked are the ways to choose and order rows that do not go with change tracking.
func untracked() []string {
	return []string{"$filter", "$orderby", "$expand", "$top", "$apply", "fetchXml", "savedQuery", "userQuery", "sql"}
}

// rowChanges reads what the request wants to know of the table's changes. Call it inside Read.
func (c *call) rowChanges(ctx context.Context, q store.Querier, t *schema.Table, from source) (*rowChanges, error) {
	for _, name := range untracked() {
		if c.query.Has(name) {
			return nil, badRequest("The %s query parameter isn't supported when Change Tracking is enabled.", name)
		}
	}
	if !t.ChangeTracking || from.where.sql != "" {
		return nil, badRequest("Change tracking is not enabled for the entity '%s'.", t.Logical)
	}
	if t.Column("versionnumber") == nil || t.Elastic {
		return nil, fail(http.StatusNotImplemented, codeNotSupported, "This emulator does not track the changes of '%s'.", t.Logical)
	}
	k := &rowChanges{call: c, table: t, until: stamp{c.db.Version(), c.at}, number: maxPageSize}
	if c.prefer.maxPageSize > 0 {
		k.number = c.prefer.maxPageSize
	}
	if token := c.query.Get("$deltatoken"); c.query.Has("$deltatoken") {
		since, err := parseStamp(token)
		if err != nil {
			return nil, err
		}
		if err := k.expired(ctx, q, since); err != nil {
			return nil, err
		}
		k.delta, k.since, k.told = true, since.version, since.version
	}
	return k, k.resume(c.query.Get("$skiptoken"))
}

// expired refuses a token that is too old, and one of another database.
func (k *rowChanges) expired(ctx context.Context, q store.Querier, since stamp) error {
	var days int
	if err := q.QueryRowContext(ctx, "SELECT coalesce(expirechangetrackingindays, 7) FROM organization").Scan(&days); err != nil {
		return err
	}
	if since.version <= k.until.version && k.at.Sub(since.at) <= time.Duration(days)*24*time.Hour {
		return nil
	}
	return expiredStamp()
}

// resume goes on behind the page before: up to the same moment, whatever has changed since.
func (k *rowChanges) resume(skiptoken string) (err error) {
	if skiptoken == "" {
		return nil
	}
	if k.start, err = parseSkiptoken(skiptoken); err != nil {
		return err
	}
	end := len(k.start.last) - 1
	if end < 1 || k.start.last[end].name != cookieUntil || k.start.last[end].last == nil {
		return badCookie()
	}
	if k.until, err = parseStamp(*k.start.last[end].last); err != nil {
		return badCookie()
	}
	k.start.last = k.start.last[:end]
	if !k.inDeletions() {
		return nil
	}
	if last := k.start.last[0].last; last != nil {
		k.told, err = strconv.ParseInt(*last, 10, 64)
	}
	if err != nil {
		return badCookie()
	}
	return nil
}

// The parts of a cookie that lead through changes: rows go by version and id, deletions by version.
const (
	cookieDeleted = "deleted"
	cookieUntil   = "until"
)

// changed answers with a page of changes.
func (c *call) changed(t *schema.Table, from source) error {
	return c.db.Read(c.context(), func(ctx context.Context, q store.Querier) error {
		k, err := c.rowChanges(ctx, q, t, from)
		if err != nil {
			return err
		}
		o, err := odata.ParseOptions(c.query)
		if err != nil {
			return err
		}
		p, err := c.project(t, o)
		if err != nil {
			return err
		}
		total := -1
		if o.WithCount != nil && *o.WithCount {
			if total, err = k.count(ctx, q); err != nil {
				return err
			}
		}
		return k.answer(ctx, q, p, total)
	})
}

// answer writes the rows in the order of their versions, then the deletions.
func (k *rowChanges) answer(ctx context.Context, q store.Querier, p *projection, total int) error {
	rows, err := k.rows(ctx, q, p)
	if err != nil {
		return err
	}
	next := ""
	var gone []deletion
	if len(rows) > k.number {
		rows = rows[:k.number]
		next = k.nextLink(k.beyond(listing{terms: k.terms()}.cookie(k.start.page+1, rows)))
	} else if gone, err = k.deletions(ctx, q, k.number+1-len(rows)); err != nil {
		return err
	}
	if most := k.number - len(rows); len(gone) > most {
		gone = gone[:most]
		next = k.nextLink(k.beyond(k.afterDeletions(gone)))
	}
	objects, err := p.render(ctx, q, rows)
	if err != nil {
		return err
	}
	for _, d := range gone {
		objects = append(objects, k.deleted(d))
	}
	return k.envelope(p, objects, total, next)
}

func (k *rowChanges) envelope(p *projection, objects [][]byte, total int, next string) error {
	var body object
	context := k.contextURL(k.table, p)
	if k.delta {
		context += "/$delta"
	}
	k.writeContext(&body, context)
	if total >= 0 {
		body.raw("@odata.count", strconv.AppendInt(nil, int64(total), 10))
	}
	if next == "" {
		body.text("@odata.deltaLink", k.link("$deltatoken="+encode(k.until.String()), "$skiptoken", "$count", "$deltatoken"))
	}
	if k.prefer.trackChanges {
		k.prefer.applied(k.w.Header(), "odata.track-changes")
	}
	return k.page(body, slices.Values(objects), total, next)
}

// terms order the rows.
func (k *rowChanges) terms() []orderTerm {
	id := k.table.PrimaryID
	return []orderTerm{
		{name: "versionnumber", sql: columnOf(rowAlias, "versionnumber"), edm: "Edm.Int64"},
		{name: id, sql: columnOf(rowAlias, id), edm: "Edm.Guid"},
	}
}

// inDeletions reports whether the pages before held all rows.
func (k *rowChanges) inDeletions() bool {
	return len(k.start.last) > 0 && k.start.last[0].name == cookieDeleted
}

// between is the condition for the rows that were created or changed.
func (k *rowChanges) between() fragment {
	version := columnOf(rowAlias, "versionnumber")
	return concat(version, " > ", value(k.since), " AND ", version, " <= ", value(k.until.version))
}

// rows are those that were created or changed, one more than the page has where there are as many.
func (k *rowChanges) rows(ctx context.Context, q store.Querier, p *projection) ([]row, error) {
	if k.inDeletions() {
		return nil, nil
	}
	terms, where := k.terms(), k.between()
	if len(k.start.last) > 0 {
		after, err := k.start.after(terms)
		if err != nil {
			return nil, err
		}
		where = concat(where, " AND ", after)
	}
	by, columns := orderSQL(terms)
	return p.fetch(ctx, q, fmt.Sprintf("SELECT %s, %s FROM %s AS %s WHERE %s ORDER BY %s LIMIT %d",
		p.selectList(), columns, store.Quote(k.table.Logical), rowAlias, where.sql, by, k.number+1), where.args...)
}

// deletion is a row that is gone.
type deletion struct {
	version int64
	id      string
}

// deletedRows is a query for the ids and versions of rows that are gone, behind a version. Those that were created anew
// are not gone, those that were never shown to the client are.
func (k *rowChanges) deletedRows(behind int64) fragment {
	return concat(fmt.Sprintf(`SELECT d.id AS id, max(d.version) AS version FROM "$deleted" AS d WHERE NOT EXISTS `+
		`(SELECT 1 FROM %s AS a WHERE a.%s = d.id) AND d."table" = `, store.Quote(k.table.Logical), store.Quote(k.table.PrimaryID)),
		value(k.table.Logical), " AND d.version > ", value(behind), " AND d.version <= ", value(k.until.version), " GROUP BY d.id")
}

func (k *rowChanges) deletions(ctx context.Context, q store.Querier, limit int) ([]deletion, error) {
	if !k.delta {
		return nil, nil
	}
	query := k.deletedRows(k.told)
	found, err := q.QueryContext(ctx, query.sql+" ORDER BY version LIMIT "+strconv.Itoa(limit), query.args...)
	if err != nil {
		return nil, err
	}
	var gone []deletion
	return gone, scanAll(found, func(cells []any) error {
		id, _ := cells[0].(string)
		version, _ := cells[1].(int64)
		gone = append(gone, deletion{version, id})
		return nil
	})
}

// afterDeletions points behind the last of them.
func (k *rowChanges) afterDeletions(gone []deletion) cookie {
	version := k.told
	if len(gone) > 0 {
		version = gone[len(gone)-1].version
	}
	text := strconv.FormatInt(version, 10)
	return cookie{page: max(k.start.page, 1) + 1, last: []cookieValue{{cookieDeleted, &text, &text}}}
}

// beyond makes a cookie one that leads through changes.
func (k *rowChanges) beyond(at cookie) cookie {
	until := k.until.String()
	at.page, at.tracking = max(at.page, 2), true
	at.last = append(slices.Clip(at.last), cookieValue{cookieUntil, &until, &until})
	return at
}

// deleted is what stands in the answer for a row that is gone.
func (k *rowChanges) deleted(d deletion) []byte {
	var o object
	k.writeContext(&o, k.root+"$metadata#"+k.table.Set+"/$deletedEntity")
	o.text("id", d.id)
	o.text("reason", "deleted")
	return o.bytes()
}

// count is how many changes there are, deletions with them.
func (k *rowChanges) count(ctx context.Context, q store.Querier) (int, error) {
	n, err := countRows(ctx, q, k.table, k.between(), countLimit)
	if err != nil || !k.delta {
		return n, err
	}
	var gone int
	query := k.deletedRows(k.since)
	err = q.QueryRowContext(ctx, "SELECT count(*) FROM ("+query.sql+")", query.args...).Scan(&gone)
	return min(n+gone, countLimit), err
}

// countChanges answers …/$count?$deltatoken=….
func (c *call) countChanges(t *schema.Table, from source) error {
	return c.db.Read(c.context(), func(ctx context.Context, q store.Querier) error {
		k, err := c.rowChanges(ctx, q, t, from)
		if err != nil {
			return err
		}
		n, err := k.count(ctx, q)
		if err != nil {
			return err
		}
		return c.answerCount(n)
	})
}

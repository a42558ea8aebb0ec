package emulator

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/fetchxml"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// asksFetch reports whether the request brings or names a FetchXML query.
func (c *call) asksFetch() bool {
	return c.query.Has("fetchXml") || c.query.Has("savedQuery") || c.query.Has("userQuery")
}

// fetch answers a FetchXML query over the rows of a source: ?fetchXml=, or ?savedQuery= and ?userQuery= with the id of a
// view.
func (c *call) fetch(t *schema.Table, from source) error {
	text, err := c.fetchText()
	if err != nil {
		return err
	}
	parsed, err := fetchxml.Parse(text)
	if fault, ok := errors.AsType[*fetchxml.Error](err); ok {
		return fail(http.StatusBadRequest, fault.Code, "%s", fault.Error())
	}
	if err != nil {
		return err
	}
	if parsed.Entity.Name != t.Logical {
		if c.schema.Table(parsed.Entity.Name) == nil {
			return noSuchTable(parsed.Entity.Name)
		}
		return fail(http.StatusBadRequest, codeWrongEntity, "The entity '%s' of the FetchXML query does not match the entity set '%s'.",
			parsed.Entity.Name, t.Set)
	}
	q, err := c.compileFetch(t, from, parsed)
	if err != nil {
		return err
	}
	if parsed.Aggregate {
		return q.aggregate()
	}
	return q.rows()
}

// fetchText is the query itself, from the request or from the view that it names.
func (c *call) fetchText() (string, error) {
	if c.query.Has("fetchXml") {
		text := c.query.Get("fetchXml")
		if strings.HasPrefix(text, "%3") { // encoded twice, as in Microsoft's example of choices columns
			text = unescape(text)
		}
		return text, nil
	}
	table, option := "savedquery", "savedQuery"
	if c.query.Has("userQuery") {
		table, option = "userquery", "userQuery"
	}
	id, err := uuid.Parse(c.query.Get(option))
	if err != nil {
		return "", badRequest("The value '%s' of the query option '%s' is not a guid.", c.query.Get(option), option)
	}
	var text *string
	err = c.db.Read(c.context(), func(ctx context.Context, q store.Querier) error {
		return q.QueryRowContext(ctx, "SELECT fetchxml FROM "+table+" WHERE "+table+"id = ?", id.String()).Scan(&text)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", noSuchRow(table, id.String())
	}
	if err != nil {
		return "", err
	}
	if text == nil {
		return "", fail(http.StatusBadRequest, codeInvalidXML, "The view '%s' has no FetchXML.", id)
	}
	return *text, nil
}

// fetchQuery is a FetchXML query on its way to SQL.
type fetchQuery struct {
	*call
	tree   *fetchxml.Fetch
	base   scope
	links  map[*fetchxml.Link]scope
	joined []*fetchxml.Link // whose columns can be returned, outer before inner
	names  map[string]scope // what the entityname of a condition may say, where it stands
	joins  joins
	origin *sqlQuery // whose tree it is; nil: the request brought FetchXML
}

// joins are the FROM and the WHERE of a SELECT.
type joins struct {
	from  fragment
	where []fragment
}

func (j *joins) sql() fragment {
	if len(j.where) == 0 {
		return concat(" FROM ", j.from)
	}
	return concat(" FROM ", j.from, " WHERE ", joined(" AND ", j.where))
}

func (c *call) compileFetch(t *schema.Table, from source, parsed *fetchxml.Fetch) (*fetchQuery, error) {
	q := &fetchQuery{call: c, tree: parsed, base: scope{t, rowAlias}, links: map[*fetchxml.Link]scope{}, names: map[string]scope{}}
	if err := q.enterLinks(); err != nil {
		return nil, err
	}
	q.names[t.Logical] = q.base
	q.declare(&parsed.Entity.Body)
	q.joins.from = fragment{sql: store.Quote(t.Logical) + " AS " + rowAlias}
	if from.where.sql != "" {
		q.joins.where = append(q.joins.where, from.where)
	}
	conditions, err := q.conditions(q.base, &parsed.Entity.Body)
	if err != nil {
		return nil, err
	}
	q.joins.where = append(q.joins.where, conditions...)
	if err := q.joinAll(&q.joins, q.base, &parsed.Entity.Body); err != nil {
		return nil, err
	}
	return q, nil
}

// enterLinks finds the table of every link and gives it a name in SQL.
func (q *fetchQuery) enterLinks() (err error) {
	q.tree.Entity.EachLink(func(l *fetchxml.Link) bool {
		t := q.schema.Table(l.Name)
		if t == nil {
			t = q.schema.Intersect(l.Name)
		}
		if t == nil {
			err = noSuchTable(l.Name)
			return false
		}
		if err = unjoined(q.base.table, t); err != nil {
			return false
		}
		if l.From == "" && l.To != "" {
			l.From = t.PrimaryID // as in Microsoft's example of accounts by their owninguser
		}
		q.links[l] = scope{t, "l" + string(rune('a'+len(q.links)))} // there are 15 at the most
		return true
	})
	return err
}

// declare makes the links of a body known by their aliases, those within them too. The filter of a link that returns no
// columns is a world of its own: see semi.
func (q *fetchQuery) declare(b *fetchxml.Body) {
	for i := range b.Links {
		l := &b.Links[i]
		if !l.Type.Joins() {
			continue
		}
		q.names[q.nameOf(l)] = q.links[l]
		if _, taken := q.names[l.Name]; !taken {
			q.names[l.Name] = q.links[l]
		}
		q.declare(&l.Body)
	}
}

// nameOf is what the columns of a link are called by: its alias, or the table's name where the link follows a lookup;
// the service numbers the others.
func (q *fetchQuery) nameOf(l *fetchxml.Link) string {
	if l.Alias != "" {
		return l.Alias
	}
	number, taken := 1, false
	for other, s := range q.links {
		if other.Name == l.Name && s.alias < q.links[l].alias {
			number++
			taken = taken || other.Alias == "" && q.follows(other)
		}
	}
	if q.follows(l) && !taken {
		return l.Name
	}
	return l.Name + strconv.Itoa(number)
}

// follows reports whether a link leads to one row at the most, by its primary key.
func (q *fetchQuery) follows(l *fetchxml.Link) bool { return l.From == q.links[l].table.PrimaryID }

// within runs a step that knows more names, and forgets them after.
func (q *fetchQuery) within(step func() error) error {
	before := maps.Clone(q.names)
	err := step()
	q.names = before
	return err
}

// unique reports whether no row of the query's table comes more than once: every join leads to one row at the most.
func (q *fetchQuery) unique() bool {
	return !slices.ContainsFunc(q.joined, func(l *fetchxml.Link) bool {
		return l.Type != fetchxml.CrossApply && !q.follows(l)
	})
}

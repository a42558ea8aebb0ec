package seed

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// row is a row to insert. The loader fills what it leaves out: see newPlan.
type row []cell

// cell is one column and its value: string, int, float64, bool, target, owner or nil.
type cell struct {
	column string
	value  any
}

// target is the value of a lookup that may refer to several tables.
type target struct{ table, id string }

// owner is the value of ownerid: a user of a business unit. It sets owninguser and owningbusinessunit too.
type owner struct{ user, unit string }

// loader gathers rows and hands them on in batches of one table.
type loader struct {
	schema  *schema.Schema
	version func() int64
	created string // createdon of a row that does not say
	plans   map[string]*plan
	emit    func(*batch)
}

// batchRows bounds the rows on their way, so that the database writes while the next are made.
const batchRows = 1000

// load writes the rows that fill adds, in one transaction.
func load(ctx context.Context, db *store.DB, s *schema.Schema, created time.Time, fill func(*loader)) error {
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		// One large transaction: pages that move out before its end would be written twice.
		if _, err := tx.ExecContext(ctx, "PRAGMA cache_spill = 0"); err != nil {
			return err
		}
		batches := make(chan *batch, 4)
		l := &loader{schema: s, version: db.NextVersion, created: stamp(created), plans: map[string]*plan{}}
		l.emit = func(b *batch) { batches <- b }
		go func() {
			defer close(batches)
			fill(l)
			l.flush()
		}()
		return insertAll(ctx, tx, batches)
	})
}

// insertAll writes batches as they come. It takes them all even after an error, so that their maker ends.
func insertAll(ctx context.Context, tx *sql.Tx, batches <-chan *batch) error {
	// For a context that can end, the driver starts a goroutine with every statement; we look between batches.
	statements := context.WithoutCancel(ctx)
	var err error
	for b := range batches {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = b.insert(statements, tx)
		}
	}
	return err
}

// add takes a row of a table.
func (l *loader) add(table string, r row) {
	p := l.plan(table)
	values := make([]any, len(p.columns), len(p.columns)+len(r))
	copy(values, p.defaults)
	if p.version > 0 {
		values[p.version] = l.version()
	}
	for _, c := range r {
		values = p.set(values, c)
	}
	p.rows = append(p.rows, values)
	if len(p.rows) == batchRows {
		l.send(p)
	}
}

// flush hands on the rows of every table. Later rows of those tables make new batches.
func (l *loader) flush() {
	for _, t := range l.schema.Tables {
		if p := l.plans[t.Logical]; p != nil {
			l.send(p)
			delete(l.plans, t.Logical)
		}
	}
	for _, p := range l.plans { // the tables behind many-to-many relationships
		l.send(p)
	}
	clear(l.plans)
}

func (l *loader) send(p *plan) {
	if len(p.rows) > 0 {
		l.emit(&batch{table: p.name, columns: slices.Clip(p.columns), rows: p.rows})
		p.rows = nil
	}
}

func (l *loader) plan(table string) *plan {
	p := l.plans[table]
	if p == nil {
		p = l.newPlan(table)
		l.plans[table] = p
	}
	return p
}

// plan is how the rows of one table are laid out: a place for every column that a row has set so far.
type plan struct {
	name     string
	table    *schema.Table // nil for the table behind a many-to-many relationship
	columns  []string
	places   map[string]place
	defaults []any
	version  int // place of versionnumber, 0 for a table that has none: the first place is the id's
	rows     [][]any
}

// place is where a column's value goes; also and base are the places of its companions, 0 where it has none.
type place struct {
	at   int
	also int // TargetColumn of a polymorphic lookup
	base int // the same amount in the base currency: revenue_base
}

// newPlan lays out a table. Defaults are what the platform fills in when a create leaves a column out.
func (l *loader) newPlan(table string) *plan {
	p := &plan{name: table, table: l.schema.Table(table), places: map[string]place{}}
	if p.table == nil {
		p.version = p.define("versionnumber").at
		return p
	}
	p.define(p.table.PrimaryID)
	if p.table.Column("versionnumber") != nil {
		p.version = p.define("versionnumber").at
	}
	for _, c := range p.table.Columns {
		if value := l.initial(c); value != nil && c.Stored() && c.Logical != p.table.PrimaryID {
			p.defaults = p.set(p.defaults, cell{c.Logical, value})
		}
	}
	return p
}

// initial is the value that a column gets without being set, nil for none.
func (l *loader) initial(c *schema.Column) any {
	switch c.Logical {
	case "createdon", "modifiedon":
		return l.created
	case "createdby", "modifiedby":
		return SystemUserID
	case "organizationid":
		return OrganizationID
	case "timezoneruleversionnumber", "statecode", "componentstate":
		return int64(0)
	case "overwritetime":
		return neverOverwritten
	case "statuscode":
		for _, o := range c.Options {
			if o.State == 0 {
				return int64(o.Value)
			}
		}
	}
	switch c.Default {
	case "":
		return nil
	case "true":
		return int64(1)
	case "false":
		return int64(0)
	}
	number, err := strconv.ParseInt(c.Default, 10, 64)
	if err != nil {
		return c.Default
	}
	return number
}

func (p *plan) set(values []any, c cell) []any {
	where, ok := p.places[c.column]
	if !ok {
		where = p.define(c.column)
	}
	if missing := len(p.columns) - len(values); missing > 0 {
		values = append(values, make([]any, missing)...)
	}
	switch v := c.value.(type) {
	case int:
		values[where.at] = int64(v)
	case bool:
		values[where.at] = int64(0)
		if v {
			values[where.at] = int64(1)
		}
	case target:
		values[where.at] = v.id
		if where.also > 0 {
			values[where.also] = v.table
		}
	case owner:
		values = p.set(values, cell{c.column, target{"systemuser", v.user}})
		if p.table.Column("owninguser") != nil {
			values = p.set(values, cell{"owninguser", v.user})
		}
		if p.table.Column("owningbusinessunit") != nil {
			values = p.set(values, cell{"owningbusinessunit", v.unit})
		}
	default:
		values[where.at] = v
	}
	if where.base > 0 {
		values[where.base] = values[where.at]
	}
	return values
}

// define gives a column its place. It panics on a name that the schema does not have: our rows are wrong then.
func (p *plan) define(name string) place {
	if known, ok := p.places[name]; ok {
		return known
	}
	add := func(name string) int {
		p.columns = append(p.columns, name)
		return len(p.columns) - 1
	}
	where := place{at: add(name)}
	if p.table != nil {
		c := p.table.Column(name)
		if c == nil || !c.Stored() {
			panic("emulator/seed: " + p.name + " stores no column " + name)
		}
		if c.Polymorphic() {
			where.also = add(store.TargetColumn(name))
		}
		if c.Type == schema.Money && p.table.Column(name+"_base") != nil {
			where.base = add(name + "_base")
		}
	}
	p.places[name] = where
	return where
}

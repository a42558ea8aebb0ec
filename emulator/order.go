package emulator

import (
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// orderTerm is one key of an ORDER BY.
type orderTerm struct {
	name string // column, as a paging cookie names it
	sql  fragment
	desc bool
	edm  string // how the cookie's text is read
}

func (o orderTerm) String() string {
	if o.desc {
		return o.sql.sql + " DESC"
	}
	return o.sql.sql
}

// ordering compiles $orderby. The primary key comes last, so that the order is total and pages neither repeat nor miss
// a row.
func (c *call) ordering(t *schema.Table, alias string, by []odata.Order) ([]orderTerm, error) {
	var terms []orderTerm
	for _, o := range by {
		key := o.By
		if alias, ok := key.(*odata.Alias); ok {
			meant, err := c.resolve(alias)
			if err != nil {
				return nil, err
			}
			key = meant
		}
		path, ok := key.(*odata.Path)
		if !ok {
			return nil, unsupportedNode("SingleValueFunctionCall")
		}
		if len(path.Segments) != 1 {
			return nil, badRequest("Ordering by '%s' is not supported: order by columns of the table itself.", path)
		}
		column := columnNamed(t, path.Segments[0])
		if column == nil || !column.Stored() {
			return nil, noSuchProperty(path.Segments[0], t.Logical)
		}
		terms = append(terms, c.orderBy(column, alias, o.Desc))
	}
	key := t.Column(t.PrimaryID)
	if len(terms) == 0 || terms[len(terms)-1].name != key.Logical {
		terms = append(terms, orderTerm{name: key.Logical, sql: columnOf(alias, key.Logical), edm: "Edm.Guid"})
	}
	return terms, nil
}

// orderBy orders by a column: a lookup sorts by the name of its row, as people read it.
func (c *call) orderBy(column *schema.Column, alias string, desc bool) orderTerm {
	term := orderTerm{name: column.Logical, sql: columnOf(alias, column.Logical), desc: desc, edm: column.Edm()}
	if !column.IsLookup() {
		return term
	}
	var names []any
	for _, target := range column.Targets {
		t := c.schema.Table(target)
		if t == nil {
			continue
		}
		name := t.Column(t.PrimaryName)
		if name == nil || !name.Stored() {
			continue // such as opportunityproduct, named after its product
		}
		names = append(names, ", (SELECT n."+store.Quote(name.Logical)+" FROM "+store.Quote(target)+" AS n WHERE n."+
			store.Quote(t.PrimaryID)+" = ", term.sql, ")")
	}
	if len(names) > 0 {
		term.sql = concat("(coalesce(NULL", concat(names...), ", NULL) COLLATE "+store.Collation+")")
		term.edm = "Edm.String"
	}
	return term
}

// orderSQL is the ORDER BY of the terms, and their list as extra columns.
func orderSQL(terms []orderTerm) (by, columns string) {
	all, list := make([]string, len(terms)), make([]string, len(terms))
	for i, term := range terms {
		all[i], list[i] = term.String(), term.sql.sql
	}
	return strings.Join(all, ", "), strings.Join(list, ", ")
}

package emulator

import (
	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// userFunctions compare a lookup or id with the caller, its business unit, its teams or the users below it.
var userFunctions = map[string]func(*queryFunction) (fragment, error){
	"EqualUserId": func(q *queryFunction) (fragment, error) {
		return concat(q.on.fragment, " = ", value(q.caller.user)), nil
	},
	"NotEqualUserId": func(q *queryFunction) (fragment, error) {
		return concat(q.on.fragment, " IS NOT ", value(q.caller.user)), nil
	},
	"EqualBusinessId": func(q *queryFunction) (fragment, error) {
		return concat(q.on.fragment, " = ", value(q.caller.businessUnit)), nil
	},
	"NotEqualBusinessId": func(q *queryFunction) (fragment, error) {
		return concat(q.on.fragment, " IS NOT ", value(q.caller.businessUnit)), nil
	},
	"EqualUserTeams": func(q *queryFunction) (fragment, error) { return concat(q.on.fragment, " IN (", q.teams(), ")"), nil },
	"EqualUserOrUserTeams": func(q *queryFunction) (fragment, error) {
		return concat("(", q.on.fragment, " = ", value(q.caller.user), " OR ", q.on.fragment, " IN (", q.teams(), "))"), nil
	},
	"EqualUserOrUserHierarchy": func(q *queryFunction) (fragment, error) {
		return concat(q.on.fragment, " IN (", q.reports(), ")"), nil
	},
	"EqualUserOrUserHierarchyAndTeams": func(q *queryFunction) (fragment, error) {
		return concat("(", q.on.fragment, " IN (", q.reports(), ") OR ", q.on.fragment, " IN (", q.teams(), "))"), nil
	},
	"EqualUserLanguage": func(q *queryFunction) (fragment, error) { return concat(q.on.fragment, " = 1033"), nil },
}

// teams are the caller's teams.
func (q *queryFunction) teams() fragment {
	return concat("SELECT teamid FROM teammembership WHERE systemuserid = ", value(q.caller.user))
}

// reports are the caller and all the users below.
func (q *queryFunction) reports() fragment {
	return concat("WITH RECURSIVE below(id) AS (SELECT ", value(q.caller.user),
		" UNION SELECT u.systemuserid FROM systemuser AS u JOIN below ON u.parentsystemuserid = below.id) SELECT id FROM below")
}

// hierarchyFunctions walk the table's hierarchical relationship, such as account_parent_account.
var hierarchyFunctions = map[string]func(*queryFunction) (fragment, error){
	"Above":        func(q *queryFunction) (fragment, error) { return q.tree(q.above, false, "") },
	"AboveOrEqual": func(q *queryFunction) (fragment, error) { return q.tree(q.above, true, "") },
	"Under":        func(q *queryFunction) (fragment, error) { return q.tree(q.under, false, "") },
	"UnderOrEqual": func(q *queryFunction) (fragment, error) { return q.tree(q.under, true, "") },
	"NotUnder":     func(q *queryFunction) (fragment, error) { return q.tree(q.under, true, "NOT ") },
}

// tree compares the column with the rows that walk finds from PropertyValue.
func (q *queryFunction) tree(walk func(*schema.Relationship, string) fragment, self bool, not string) (fragment, error) {
	text, err := q.text("PropertyValue")
	if err != nil {
		return fragment{}, err
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return fragment{}, badRequest("The value '%s' of the function '%s%s' is not a guid.", text, namespace, q.name)
	}
	r := q.hierarchy()
	if r == nil {
		return fragment{}, badRequest("The column '%s' leads to no table with a hierarchical relationship.", q.column.Logical)
	}
	compiled := concat(q.on.fragment, " "+not+"IN (", walk(r, id.String()), ")")
	if !self {
		compiled = concat("(", compiled, " AND ", q.on.fragment, " <> ", value(id.String()), ")")
	}
	return compiled, nil
}

func (q *queryFunction) above(r *schema.Relationship, id string) fragment {
	table, key, parent := store.Quote(r.Referencing), store.Quote(r.ReferencedAttribute), store.Quote(r.Attribute)
	return concat("WITH RECURSIVE up(id) AS (SELECT ", value(id), " UNION SELECT t."+parent+" FROM "+table+
		" AS t JOIN up ON t."+key+" = up.id WHERE t."+parent+" IS NOT NULL) SELECT id FROM up")
}

func (q *queryFunction) under(r *schema.Relationship, id string) fragment {
	table, key, parent := store.Quote(r.Referencing), store.Quote(r.ReferencedAttribute), store.Quote(r.Attribute)
	return concat("WITH RECURSIVE down(id) AS (SELECT ", value(id), " UNION SELECT t."+key+" FROM "+table+
		" AS t JOIN down ON t."+parent+" = down.id) SELECT id FROM down")
}

// hierarchy is the self-relationship that the hierarchy of the column's table follows; nil for none, and for a table
// that the emulator does not have.
func (q *queryFunction) hierarchy() *schema.Relationship {
	if !q.column.IsLookup() {
		return hierarchy(q.row.table)
	}
	if len(q.column.Targets) == 0 {
		return nil
	}
	return hierarchy(q.schema.Table(q.column.Targets[0]))
}

// hierarchy is the self-relationship that the hierarchy of the table follows.
func hierarchy(t *schema.Table) *schema.Relationship {
	if t == nil {
		return nil
	}
	for _, r := range t.ManyToOne {
		if r.Hierarchical && r.Referenced == t.Logical {
			return r
		}
	}
	return nil
}

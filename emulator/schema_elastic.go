package emulator

import (
	"net/http"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// elasticType is the TableType of elastic tables; others are Standard.
const elasticType = "Elastic"

// writeType takes over the type of a new table.
func writeType(t *schema.Table, name string) error {
	t.Elastic = name == elasticType
	switch {
	case name != "" && name != "Standard" && !t.Elastic:
		return fail(http.StatusBadRequest, codeInvalidArgument, "The table type %s of the entity %s is not valid.", name, t.Logical)
	case t.Elastic && t.Activity:
		return fail(http.StatusBadRequest, codeInvalidArgument, "The elastic table %s cannot be an activity.", t.Logical)
	}
	return nil
}

// unelastic are the types of columns that elastic tables do not take.
var unelastic = []schema.Type{schema.Money, schema.MultiSelect, schema.File, schema.Image}

// elasticColumn refuses a column that its table cannot have.
func elasticColumn(t *schema.Table, kind schema.Type) error {
	if t.Elastic && slices.Contains(unelastic, kind) {
		return fail(http.StatusBadRequest, codeInvalidArgument, "Attributes of type %s cannot be added to the elastic table %s.", kind, t.Logical)
	}
	return nil
}

// elasticKey refuses changes of the keys of an elastic table, which has the one that it came with.
func elasticKey(t *schema.Table) error {
	if t.Elastic {
		return fail(http.StatusBadRequest, codeInvalidArgument, "The keys of the elastic table %s cannot be changed.", t.Logical)
	}
	return nil
}

// elasticCascade refuses a relationship that would do something to the rows of an elastic table, or because of them.
func elasticCascade(r *schema.Relationship, one, many *schema.Table) error {
	if !one.Elastic && !many.Elastic {
		return nil
	}
	if r.Cascade != noCascade {
		return fail(http.StatusBadRequest, codeInvalidArgument, "The relationship %s is with an elastic table: every cascade of it has to be NoCascade.", r.Schema)
	}
	return nil
}

var noCascade = schema.Cascade{Assign: "NoCascade", Delete: "NoCascade", Merge: "NoCascade", Reparent: "NoCascade", Share: "NoCascade", Unshare: "NoCascade"}

package emulator

import (
	"context"
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

var initializeFrom = message{
	name: "InitializeFrom",
	parameters: []parameter{
		{name: "EntityMoniker", kind: "crmbaseentity"},
		{name: "TargetEntityName", kind: "Edm.String"},
		{name: "TargetFieldType", kind: "TargetFieldType"},
		{name: "SkipParentalRelationshipMapping", kind: "Edm.Boolean", optional: true},
	},
	result: "crmbaseentity",
	answer: func(c *call, args arguments) error {
		source, err := c.referred(c.context(), "crmbaseentity", args.object("EntityMoniker"))
		if err != nil {
			return err
		}
		target := c.schema.Table(args.text("TargetEntityName"))
		if target == nil {
			return noSuchTable(args.text("TargetEntityName"))
		}
		m, ok := mappingBetween(source.table.Logical, target.Logical)
		if !ok {
			return fail(http.StatusBadRequest, "0x80040e01", "The mapping between specified entities does not exist")
		}
		if args.flag("SkipParentalRelationshipMapping") {
			m.link = ""
		}
		var row map[string]any
		err = c.db.Read(c.context(), func(ctx context.Context, q store.Querier) (err error) {
			row, err = load(ctx, q, source.table, source.id)
			return err
		})
		if err != nil {
			return err
		}
		return c.answer(http.StatusOK, c.unsaved(target, m.values(source.table, target, source.id, row), args.text("TargetFieldType")))
	},
}

// unsaved is a row that is not there yet, as a client may send it to create it.
func (c *call) unsaved(t *schema.Table, values map[string]any, wanted string) []byte {
	var o object
	c.writeContext(&o, c.root+"$metadata#"+t.Set+"/$entity")
	o.text("@odata.type", "#"+namespace+t.Logical)
	for _, col := range t.Columns {
		value := values[col.Logical]
		if value == nil || wanted == "ValidForCreate" && !col.Create || wanted == "ValidForUpdate" && !col.Update || !col.Property {
			continue
		}
		if !col.IsLookup() {
			o.raw(col.PropertyName(), appendValue(nil, col, value))
			continue
		}
		id, table := linkedIn(t, values, col.Logical)
		if other, nav := c.schema.Table(table), navigationOf(col, table); other != nil && nav != "" {
			o.text(nav+"@odata.bind", other.Set+"("+id+")")
		}
	}
	return o.bytes()
}

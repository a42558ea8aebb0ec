package emulator

import (
	"context"
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

var retrieveTotalRecordCount = message{
	name:       "RetrieveTotalRecordCount",
	parameters: []parameter{{name: "EntityNames", kind: "Collection(Edm.String)"}},
	result:     "RetrieveTotalRecordCountResponse",
	answer: func(c *call, args arguments) error {
		names := args.texts("EntityNames")
		counts, err := c.totalRecordCounts(names)
		if err != nil {
			return err
		}
		var collection object
		collection.any("Count", len(names))
		collection.any("IsReadOnly", false)
		collection.any("Keys", names)
		collection.any("Values", counts)
		o := c.respond("RetrieveTotalRecordCountResponse")
		o.raw("EntityRecordCountCollection", collection.bytes())
		return c.answer(http.StatusOK, o.bytes())
	},
}

// totalRecordCounts counts the rows of tables. The real numbers may be a day old; these are not.
func (c *call) totalRecordCounts(tables []string) ([]int64, error) {
	counts := make([]int64, len(tables))
	err := c.db.Read(c.context(), func(ctx context.Context, q store.Querier) error {
		for i, name := range tables {
			if c.schema.Table(name) == nil {
				return noSuchTable(name)
			}
			if err := q.QueryRowContext(ctx, "SELECT count(*) FROM "+store.Quote(name)).Scan(&counts[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return counts, err
}

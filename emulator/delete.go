package emulator

import (
	"context"
	"database/sql"
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// delete answers DELETE on a row.
func (c *call) delete(t *schema.Table) error {
	if t.Logical == "owner" {
		return c.methodNotAllowed()
	}
	err := c.db.Write(c.context(), func(ctx context.Context, tx *sql.Tx) error {
		l, err := c.locateIn(ctx, t, c.path[0], c.partitionAsked())
		if err != nil {
			return err
		}
		if !l.found {
			return l.missing()
		}
		if err := c.preconditions(ctx, tx, &l); err != nil {
			return err
		}
		if err := c.mayWrite(l.table, "Delete"); err != nil {
			return err
		}
		return c.remove(ctx, tx, l.table, l.id)
	})
	if err != nil {
		return err
	}
	return c.empty()
}

func inUse() *Error {
	return fail(http.StatusMethodNotAllowed, codeCannotDelete,
		"The object you tried to delete is associated with another object and cannot be deleted.")
}

package emulator

import (
	"context"
	"database/sql"
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// create answers POST on an entity set.
func (c *call) create(t *schema.Table) error {
	if t.Abstract {
		return c.methodNotAllowed()
	}
	object, err := c.body(t)
	if err != nil {
		return err
	}
	var id string
	err = c.db.Write(c.context(), func(ctx context.Context, tx *sql.Tx) error {
		row, err := entering{c, true, true}.entry(ctx, t, object)
		if err != nil {
			return err
		}
		id, err = c.insert(ctx, tx, row)
		return err
	})
	if err != nil {
		return err
	}
	return c.created(t, id, id)
}

// created answers for a new row. Key is what stands between the parentheses of its URL.
func (c *call) created(t *schema.Table, id, key string) error {
	c.address(t, key)
	if c.prefer.representation {
		return c.readBack(c.context(), t, id, http.StatusCreated)
	}
	return c.empty()
}

// address tells where the written row is.
func (c *call) address(t *schema.Table, key string) {
	url := c.root + t.Set + "(" + key + ")"
	c.w.Header().Set("OData-EntityId", url)
	c.w.Header().Set("Location", url)
}

func (c *call) methodNotAllowed() *Error {
	return fail(http.StatusMethodNotAllowed, codeNotSupported, "The requested resource does not support http method '%s'.", c.r.Method)
}

package emulator

import (
	"context"
	"database/sql"
	"net/http"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// create answers POST on an entity set.
func (c *call) create(t *schema.Table) error {
	if err := c.mayWrite(t, "Create"); err != nil {
		return err
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

// address tells where the written row is. Key is its id, or the alternate key that found it, percent-encoded.
func (c *call) address(t *schema.Table, key string) {
	url := c.rowURL(t, key)
	c.w.Header().Set("OData-EntityId", url)
	c.w.Header().Set("Location", url)
	c.session(t)
}

// codeNoMethod is the code of a message that a table does not know.
const codeNoMethod = "0x80040800"

// mayWrite refuses, before anything is written, a message that the table does not know, and a $select or $expand that
// the answer could not honour.
func (c *call) mayWrite(t *schema.Table, message string) error {
	if err := c.knows(t, message); err != nil {
		return err
	}
	if !c.prefer.representation {
		return nil
	}
	options, err := c.options()
	if err != nil {
		return err
	}
	if message == "Update" {
		options.Expand = nil
	}
	_, err = c.project(t, options)
	return err
}

// knows refuses a message that the table does not know.
func (c *call) knows(t *schema.Table, message string) error {
	if len(t.Messages) > 0 && !slices.Contains(t.Messages, message) {
		return fail(http.StatusBadRequest, codeNoMethod, "The '%s' method does not support entities of type '%s'. "+
			"MessageProcessorCache returned MessageProcessor.Empty.", message, t.Logical)
	}
	return nil
}

func (c *call) methodNotAllowed() *Error {
	return fail(http.StatusMethodNotAllowed, codeNotSupported, "The requested resource does not support http method '%s'.", c.r.Method)
}

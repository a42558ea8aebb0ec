package dataverse

import "context"

// Delete removes the row id, a GUID or an alternate key. A row that is missing is NotFound, one that has another
// version than IfMatch asks for a Conflict.
func (c *Client) Delete(ctx context.Context, table, id string, opts ...WriteOption) error {
	op := "delete " + table
	cond, err := conditionsOf(opts)
	if err != nil {
		return during(op, err)
	}
	ch, err := c.deletion(ctx, table, id, cond)
	if err != nil {
		return during(op, err)
	}
	if _, err = c.do(ctx, ch.request); err != nil && !c.madeBefore(ctx, ch, err) {
		return err
	}
	return nil
}

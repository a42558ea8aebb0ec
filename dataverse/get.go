package dataverse

import (
	"context"
	"io"
	"net/http"
)

// Get returns one row. id is a GUID or an alternate key such as accountnumber='A1'; of q only Select, Expand
// and Usual count.
func (c *Client) Get(ctx context.Context, table, id string, q Query) (Row, error) {
	op := "get " + table
	p, err := c.compile(ctx, table, Query{Select: q.Select, Expand: q.Expand, Usual: q.Usual})
	if err != nil {
		return Row{}, during(op, err)
	}
	key, err := p.table.rowKey(id)
	if err != nil {
		return Row{}, during(op, err)
	}
	op += " " + key.text
	var row Row
	_, err = c.do(ctx, request{
		op: op, method: http.MethodGet, path: p.table.SetName + key.path, query: p.options,
		header: []param{preferences(wantedAnnotations)},
		read: func(body io.Reader) (err error) {
			row, err = readRow(body, p.shape)
			return err
		},
	})
	if err != nil {
		return Row{}, err
	}
	return row, nil
}

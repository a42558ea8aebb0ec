package dataverse

import (
	"context"
	"errors"
	"net/http"
)

// maxAggregate is the most rows that the service adds up.
const maxAggregate = 50_000

const (
	codeAggregateLimit = "0x8004e023"
	countAlias         = "n"
)

// Count returns how many rows filter selects; "" counts all. The number is exact up to 50,000; for more rows it is
// AtLeast: the service neither counts nor adds up more in one request, and reading them all to count them would cost
// a request for every 5,000.
func (c *Client) Count(ctx context.Context, table, filter string) (Count, error) {
	op := "count " + table
	p, err := c.compile(ctx, table, Query{Filter: filter})
	if err != nil {
		return Count{}, during(op, err)
	}
	n, err := c.countPage(ctx, op, p)
	if err != nil || n < maxPage {
		return Count{N: n}, err
	}
	return c.countAggregate(ctx, op, p)
}

// countPage asks for $count, which stops at 5,000.
func (c *Client) countPage(ctx context.Context, op string, p *plan) (int64, error) {
	r := request{op: op, method: http.MethodGet, path: p.table.SetName, query: append([]param{
		{"$select", p.table.PrimaryID}, {"$top", "1"}, {"$count", "true"}}, p.options...)}
	page, a, err := c.rows(ctx, r, p.shape)
	if err != nil {
		return 0, err
	}
	if page.count < 0 {
		return 0, &Error{Op: op, Kind: Internal, Status: a.status, Message: "the service did not count", RequestID: requestID(a.header)}
	}
	return page.count, nil
}

// countAggregate asks for a sum, which stops at 50,000.
func (c *Client) countAggregate(ctx context.Context, op string, p *plan) (Count, error) {
	apply, err := p.apply(nil, "")
	if err != nil {
		return Count{}, err
	}
	page, _, err := c.rows(ctx, request{op: op, method: http.MethodGet, path: p.table.SetName, query: []param{{"$apply", apply}}}, &shape{})
	if e, ok := errors.AsType[*Error](err); ok {
		switch {
		case equalCode(e.Code, codeAggregateLimit):
			return Count{N: maxAggregate, AtLeast: true}, nil
		case e.Kind == Invalid: // tables without aggregates, such as elastic ones
			return Count{N: maxPage, AtLeast: true}, nil
		}
		return Count{}, e
	}
	if len(page.rows) == 0 {
		return Count{}, nil
	}
	return Count{N: int64(page.rows[0].Number(countAlias))}, nil
}

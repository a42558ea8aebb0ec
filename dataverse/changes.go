package dataverse

import (
	"context"
	"errors"
	"net/http"
)

// Changes is a part of what has changed in a table since a moment.
type Changes struct {
	// Rows are those that were created or changed, as they are now, the oldest change first.
	Rows []Row
	// Deleted are the ids of rows that are gone, also of some that were never in Rows. A row that changed while this was
	// read may be in both: read it again.
	Deleted []string
	// Token asks for what follows: the next part where there is More, else what changes after this. It fits only the same
	// table and columns.
	Token string
	// More says that there are changes already that stand in none of the parts so far.
	More bool
}

const codeExpiredVersionStamp = "0x80044352"

// Changes returns the next part of what has changed in the columns of a table since the call that returned the token; ""
// begins with all of its rows. A part is at most 5000 rows; whoever wants all goes on with its token while there is More.
// Columns are as in Query.Select, without parties.
//
// Deletions are remembered for some days only, seven unless the organization says otherwise. An older token is a
// Conflict: what was read before is to be read anew, without a token. A table that does not track changes is Invalid.
func (c *Client) Changes(ctx context.Context, table string, columns []string, token string) (Changes, error) {
	op := "follow " + table
	p, err := current(ctx, c, func() (*plan, error) { return c.changesPlan(ctx, table, columns) })
	if err != nil {
		return Changes{}, during(op, err)
	}
	fingerprint := c.fingerprint("changes\x00" + p.text(Query{}))
	at, err := readPosition("token", token, fingerprint)
	if err != nil {
		return Changes{}, during(op, err)
	}
	part, next, err := c.changesPage(ctx, op, p, at)
	if err != nil {
		return Changes{}, err
	}
	part.Token, part.More = next.encode(fingerprint), next.token != ""
	return part, nil
}

// changesPlan refuses what cannot be followed.
func (c *Client) changesPlan(ctx context.Context, table string, columns []string) (*plan, error) {
	p, err := c.plan(ctx, table, Query{Select: columns})
	switch {
	case err != nil:
		return nil, err
	case !p.table.ChangeTracking:
		e := invalid("table %s does not track changes: turn on its change tracking first", p.table.LogicalName)
		e.unknownName = true // it may have been turned on since
		return nil, e
	case p.shape.parties != nil:
		return nil, invalid("column %s: parties cannot be followed; follow table %s", p.shape.parties.first(), partyTable)
	}
	p.shape.changes = true
	return p, nil
}

// changesPage reads the page at a position, and tells the position behind it.
func (c *Client) changesPage(ctx context.Context, op string, p *plan, at position) (Changes, position, error) {
	r := request{op: op, method: http.MethodGet, path: p.table.SetName, query: p.options, deltaToken: at.delta, skipToken: at.token}
	track := ""
	if at.delta == "" {
		track = "odata.track-changes"
	}
	r.header = []param{preferences(track, wantedAnnotations)}
	read, a, err := c.rows(ctx, r, p.shape)
	if err != nil {
		return Changes{}, position{}, expiredToken(err)
	}
	part := Changes{Rows: read.rows, Deleted: read.deleted}
	if read.nextLink != "" {
		next, err := c.nextPosition(op, p.table.SetName, a, read, at)
		return part, next, err
	}
	broken := &Error{Op: op, Kind: Internal, Status: a.status, RequestID: requestID(a.header)}
	switch token, err := c.linkOption(read.deltaLink, p.table.SetName, deltaOption); {
	case err != nil:
		broken.Message = err.Error()
		return Changes{}, position{}, broken
	case token != "":
		return part, position{delta: token}, nil
	case at.delta == "":
		broken.Message = "the service gave no link to the changes that follow"
		return Changes{}, position{}, broken
	}
	return part, position{delta: at.delta}, nil // where nothing has changed, the link may be missing, and the one before still holds
}

// expiredToken says what to do about a token that the service does not follow any more.
func expiredToken(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || !equalCode(e.Code, codeExpiredVersionStamp) && e.Status != http.StatusGone {
		return err
	}
	e.Kind = Conflict
	e.Message = "the token is older than the service remembers deletions for: start anew without a token, which reads all rows"
	return e
}

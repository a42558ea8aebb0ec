package dataverse

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
)

// Changes is what has changed in a table since a moment.
type Changes struct {
	// Rows are those that were created or changed, as they are now, the oldest change first.
	Rows []Row
	// Deleted are the ids of rows that are gone, also of some that were never in Rows. A row that changed while this was
	// read may be in both: read it again.
	Deleted []string
	// Token asks for what changes after this. It fits only the same table and columns.
	Token string
}

const codeExpiredVersionStamp = "0x80044352"

// Changes returns what has changed in the columns of a table since the call that returned the token; "" is all of its
// rows. Columns are as in Query.Select, without parties.
//
// Deletions are remembered for some days only, seven unless the organization says otherwise. An older token is a
// Conflict: what was read before is to be read anew, without a token. A table that does not track changes is Invalid.
func (c *Client) Changes(ctx context.Context, table string, columns []string, token string) (Changes, error) {
	op := "follow " + table
	p, err := current(ctx, c, func() (*plan, error) { return c.changesPlan(ctx, table, columns) })
	if err != nil {
		return Changes{}, during(op, err)
	}
	since, err := readPosition("token", token, c.changesFingerprint(p))
	if err != nil {
		return Changes{}, during(op, err)
	}
	var all Changes
	for at := (changesPosition{delta: since.token, token: since.token}); ; {
		next, err := c.changesPage(ctx, op, p, at, &all)
		if err != nil {
			return Changes{}, err
		}
		if next.skip == "" {
			all.Token = position{token: next.token}.encode(c.changesFingerprint(p))
			return all, nil
		}
		at = next
	}
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

// changesFingerprint tells tokens of other columns, tables and environments apart: each counts its own changes.
func (c *Client) changesFingerprint(p *plan) []byte {
	hash := sha256.Sum256(fmt.Appendf(nil, "changes\x00%s\x00%x", c.root, p.fingerprint(Query{})))
	return hash[:fingerprintSize]
}

// changesPosition is a place in the changes of a table.
type changesPosition struct {
	delta string // $deltatoken of the moment that the changes follow; "" for all rows
	skip  string // $skiptoken of a page
	token string // $deltatoken for the next call, where nothing follows
}

// changesPage adds a page to all.
func (c *Client) changesPage(ctx context.Context, op string, p *plan, at changesPosition, all *Changes) (changesPosition, error) {
	r := request{op: op, method: http.MethodGet, path: p.table.SetName, query: p.options, deltaToken: at.delta, skipToken: at.skip}
	track := ""
	if at.delta == "" {
		track = "odata.track-changes"
	}
	r.header = []param{preferences(track, wantedAnnotations)}
	read, a, err := c.rows(ctx, r, p.shape)
	if err != nil {
		return at, expiredToken(err)
	}
	all.Rows, all.Deleted = append(all.Rows, read.rows...), append(all.Deleted, read.deleted...)
	if read.nextLink != "" {
		next, err := c.nextPosition(op, p.table.SetName, a, read, position{token: at.skip})
		at.skip = next.token
		return at, err
	}
	at.skip = ""
	switch token, err := c.linkOption(read.deltaLink, p.table.SetName, deltaOption); {
	case err != nil:
		return at, &Error{Op: op, Kind: Internal, Status: a.status, Message: err.Error(), RequestID: requestID(a.header)}
	case token != "":
		at.token = token
	case at.token == "": // where nothing has changed, the link may be missing, and the one before still holds
		return at, &Error{Op: op, Kind: Internal, Status: a.status, Message: "the service gave no link to the changes that follow", RequestID: requestID(a.header)}
	}
	return at, nil
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

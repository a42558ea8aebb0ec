package emulator

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// Elastic tables lie in Cosmos DB on the service, and differ by that: rows go by partitions, versions are of its kind,
// an upsert replaces, nothing is joined and nothing is a transaction of several rows.

const (
	codeNoJoins    = "0x80048d0b"
	maxElasticPage = 500
)

func elastic(t *schema.Table) bool { return t.Elastic }

// pageLimit is the most rows that a page of the table has.
func pageLimit(t *schema.Table) int {
	if t.Elastic {
		return maxElasticPage
	}
	return maxPageSize
}

// unjoined refuses a query that reads other tables' rows with those of an elastic one. Nil is a table that the emulator
// does not have.
func unjoined(tables ...*schema.Table) error {
	if slices.ContainsFunc(tables, func(t *schema.Table) bool { return t != nil && t.Elastic }) {
		return fail(http.StatusBadRequest, codeNoJoins, "Link entities are not supported")
	}
	return nil
}

// unexpanded refuses $expand in a query for many rows where an elastic table takes part.
func (c *call) unexpanded(t *schema.Table, items []odata.Expand) error {
	for _, item := range items {
		nav, ok := t.Nav(item.Path)
		if !ok || item.Ref {
			continue
		}
		related := c.schema.Table(relatedTable(nav))
		if err := unjoined(t, related); err != nil {
			return err
		}
		if related == nil {
			continue
		}
		if err := c.unexpanded(related, item.Expand); err != nil {
			return err
		}
	}
	return nil
}

// partitionAsked is the partition that the query string names. Only GET and DELETE heed it, with or without quotes.
func (c *call) partitionAsked() string {
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodDelete {
		return ""
	}
	asked := c.query.Get("partitionId")
	if inner, ok := strings.CutPrefix(asked, "'"); ok {
		asked = strings.ReplaceAll(strings.TrimSuffix(inner, "'"), "''", "'")
	}
	return asked
}

// wholeSet is the source of all rows of a table, or of those in the partition that the request asks for.
func (c *call) wholeSet(t *schema.Table) source {
	asked := c.partitionAsked()
	if !t.Elastic || asked == "" {
		return source{}
	}
	return source{where: concat(columnOf(rowAlias, schema.PartitionID), " = ", value(asked), " COLLATE BINARY")}
}

// partitionIn is the partition that a row's description names, "" for none.
func partitionIn(object members) string {
	value, _ := object.get(schema.PartitionID)
	text, _ := value.(string)
	return text
}

// partition puts a new row into the partition of its own id, unless the client names another.
func (w *writing) partition(context.Context) error {
	if w.creating() {
		w.preset(schema.PartitionID, w.id)
	}
	return nil
}

// replaced is an upsert of a row that is there: what the client could write and did not is emptied.
func replaced(row *entry) {
	for _, col := range row.table.Columns {
		if _, given := row.values[col.Logical]; given || !col.Update || !col.Stored() || col.Type == schema.Owner {
			continue
		}
		if col.IsLookup() {
			setLookup(row.values, col, nil, "")
		} else {
			row.values[col.Logical] = nil
		}
	}
}

// elsewhere refuses an id that a row of an elastic table has in another partition, which the service allows.
func (w *writing) elsewhere(ctx context.Context) error {
	standing, err := peek(ctx, w.tx, w.table, w.id, schema.PartitionID)
	wanted := w.text(schema.PartitionID)
	if wanted == "" {
		wanted = w.id
	}
	if err != nil || standing == wanted {
		return err
	}
	return fail(http.StatusNotImplemented, codeNotSupported,
		"This emulator keeps one row of '%s' with the id %s, and there is one in the partition '%s' already.", w.table.Logical, w.id, standing)
}

// nextVersion is the version of a row that is written now. Those of elastic tables tell the time, in ticks of .NET; what
// is below a second tells writes apart.
func (c *call) nextVersion(t *schema.Table) int64 {
	version := c.db.NextVersion()
	if t.Elastic {
		return c.at.Unix()*ticksPerSecond + dotNetEpoch + version%ticksPerSecond
	}
	return version
}

const ticksPerSecond = 10_000_000

// cosmosVersion is what stands in the etag of an elastic table's row.
var cosmosVersion = regexp.MustCompile(`^[0-9a-f]{8}-0000-0200-0000-[0-9a-f]{12}$`)

// appendVersion writes a row's version as its etag has it.
func appendVersion(b []byte, t *schema.Table, version int64) []byte {
	if !t.Elastic {
		return strconv.AppendInt(b, version, 10)
	}
	since := version - dotNetEpoch
	return fmt.Appendf(b, "%08x-0000-0200-0000-%08x0000", since%ticksPerSecond, since/ticksPerSecond)
}

// session tells the client up to where it has written, for reads that are to see it. Here all do.
func (c *call) session(t *schema.Table) {
	if t.Elastic && c.r.Method != http.MethodDelete {
		c.w.Header().Set("x-ms-session-token", fmt.Sprintf("240:8#%d#7=-1", c.db.Version()))
	}
}

// expire deletes the rows of elastic tables whose time is over.
func (c *call) expire() error {
	for _, t := range c.schema.Tables {
		if !t.Elastic {
			continue
		}
		ids, err := c.expired(t)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			continue
		}
		err = c.db.Write(c.context(), func(ctx context.Context, tx *sql.Tx) error {
			for _, id := range ids {
				if err := c.remove(ctx, tx, t, id); err != nil && asError(err).Status != http.StatusNotFound { // another request was faster
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *call) expired(t *schema.Table) (ids []string, err error) {
	err = c.db.Read(c.context(), func(ctx context.Context, q store.Querier) error {
		rows, err := q.QueryContext(ctx, "SELECT "+store.Quote(t.PrimaryID)+" FROM "+store.Quote(t.Logical)+" WHERE "+store.Expired(), c.at.Unix())
		if err != nil {
			return err
		}
		return scanAll(rows, func(cells []any) error {
			id, _ := cells[0].(string)
			ids = append(ids, id)
			return nil
		})
	})
	return ids, err
}

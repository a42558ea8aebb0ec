package tools

import (
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// place is where a reply left off: so many rows into a page of the service. A
// page may hold more rows than a reply.
type place struct {
	skip  int
	total int64  // rows that match, which the service counts with the first page; 0 where it is not known
	page  string // the client's cursor; "" for the first page
	in    string // environment, which is not written but bound to
}

// cursor writes p for the caller to bring back, bound to the query and the
// environment: rows to skip mean nothing in others.
func (p place) cursor(q dataverse.Query, table string) string {
	return fmt.Sprintf("%d-%d.%s.%s", p.skip, p.total, p.mark(q, table), p.page)
}

func readCursor(s, environment string, q dataverse.Query, table string) (place, error) {
	if s == "" {
		return place{in: environment}, nil
	}
	parts := strings.SplitN(s, ".", 3)
	if len(parts) == 3 {
		skipped, all, _ := strings.Cut(parts[0], "-")
		skip, err := strconv.Atoi(skipped)
		total, bad := strconv.ParseInt(all, 10, 64)
		p := place{skip: skip, total: total, page: parts[2], in: environment}
		if err == nil && bad == nil && skip >= 0 && total >= 0 && parts[1] == p.mark(q, table) {
			return p, nil
		}
	}
	return place{}, refused("Repeat the arguments of the reply that the cursor came with, or leave it out to start again.",
		"cursor: it belongs to another query")
}

// mark tells cursors of other queries, and those in which a sign was changed:
// they would skip rows without a word.
func (p place) mark(q dataverse.Query, table string) string {
	text := fmt.Sprintf("%q %q %q %q %q %d %v", table, q.Select, q.Filter, q.OrderBy, q.Expand, q.Size, p)
	return strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(text))), 36)
}

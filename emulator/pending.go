package emulator

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// What follows is replaced, one by one, by the files that the emulator is made of. The last to do so deletes this file.

var errPending = fail(http.StatusNotImplemented, codeNotSupported, "not built yet")

// replaced by collection.go, paging.go, filter.go and order.go
type source struct {
	where   fragment
	context string
}

const rowAlias = "a"

type orderTerm struct {
	sql  fragment
	desc bool
}

type cookie struct{ page int }

func (k cookie) skiptoken() string {
	return `<cookie pagenumber="` + strconv.Itoa(k.page) + `" istracking="False" />`
}

func encodeToken(token string) string {
	return strings.NewReplacer("%", "%25", "<", "%3C", ">", "%3E", `"`, "%22", " ", "%20").Replace(token)
}

func (c *call) options() (odata.Options, error)        { return odata.ParseOptions(c.query) }
func (c *call) collection(*schema.Table, source) error { return errPending }
func (c *call) countPath(*schema.Table, source) error  { return errPending }
func (c *call) condition(*schema.Table, string, odata.Expr) (fragment, error) {
	return fragment{}, errPending
}
func (c *call) ordering(t *schema.Table, alias string, by []odata.Order) ([]orderTerm, error) {
	if len(by) > 0 {
		return nil, errPending
	}
	return []orderTerm{{sql: columnOf(alias, t.PrimaryID)}}, nil
}

// replaced by service.go and definitions.go
func (c *call) serviceDocument() error  { return errPending }
func (c *call) metadataDocument() error { return errPending }

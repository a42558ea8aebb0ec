package emulator

import (
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// What follows is replaced, one by one, by the files that the emulator is made of. The last to do so deletes this file.

var errPending = fail(http.StatusNotImplemented, codeNotSupported, "not built yet")

// replaced by read.go
func (c *call) read(*schema.Table) error { return errPending }

// replaced by create.go, update.go, delete.go, properties.go
func (c *call) create(*schema.Table) error    { return errPending }
func (c *call) update(*schema.Table) error    { return errPending }
func (c *call) delete(*schema.Table) error    { return errPending }
func (c *call) writeInto(*schema.Table) error { return errPending }

// replaced by service.go and definitions.go
func (c *call) serviceDocument() error                    { return errPending }
func (c *call) metadataRoute(string) (func() error, bool) { return nil, false }

package emulator

import (
	"net/http"
)

// What follows is replaced, one by one, by the files that the emulator is made of. The last to do so deletes this file.

var errPending = fail(http.StatusNotImplemented, codeNotSupported, "not built yet")

// replaced by service.go and definitions.go
func (c *call) serviceDocument() error  { return errPending }
func (c *call) metadataDocument() error { return errPending }

package observe

import (
	"errors"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

// outcome is one word for how a call went: ok, or the kind of its error.
func outcome(o tools.Outcome) string {
	if o.Err == nil {
		return "ok"
	}
	return string(o.Kind)
}

// requestID is what the service calls the request that failed.
func requestID(err error) string {
	if e, ok := errors.AsType[*dataverse.Error](err); ok {
		return e.RequestID
	}
	return ""
}

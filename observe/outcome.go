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

// toolName is the tool as a label: whoever calls what is not offered can write any number of names.
func toolName(c tools.Call) string {
	if c.Effect == 0 {
		return "unknown"
	}
	return c.Tool
}

// requestID is what the service calls the request that failed.
func requestID(err error) string {
	if e, ok := errors.AsType[*dataverse.Error](err); ok {
		return e.RequestID
	}
	return ""
}

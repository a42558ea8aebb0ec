package observe

import (
	"context"
	"errors"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

// outcome is one word for how a call went: ok, cancelled by its caller, or the kind of its error.
func outcome(o tools.Outcome) string {
	switch {
	case o.Err == nil:
		return "ok"
	case errors.Is(o.Err, context.Canceled): // nothing that anybody has to look into
		return "cancelled"
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

package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
)

// isModern tells whether the request stands alone, as since 2026-07-28. One that says so badly, or names a version that
// nobody knows, does: it must not be served as if it had said nothing.
func (p params) isModern() bool {
	version, isText := p.Meta.GetMetaField(mcp.MetaKeyProtocolVersion).(string)
	if isText && mcp.IsValidProtocolVersion(version) {
		return mcp.IsModernProtocol(version)
	}
	return p.Meta.GetMetaField(mcp.MetaKeyProtocolVersion) != nil || p.Meta.GetMetaField(mcp.MetaKeyClientCapabilities) != nil
}

// checkMeta holds what a request says of itself to what 2026-07-28 asks.
func (p params) checkMeta() *mcp.JSONRPCErrorDetails {
	version := p.Meta.ProtocolVersion()
	switch {
	case version == "":
		return refusal(mcp.INVALID_PARAMS, "_meta: "+mcp.MetaKeyProtocolVersion+" is missing or no text")
	case !mcp.IsValidProtocolVersion(version):
		return unsupported(version)
	case p.Meta.ClientCapabilities() == nil:
		return refusal(mcp.INVALID_PARAMS, "_meta: "+mcp.MetaKeyClientCapabilities+" is missing or no object")
	case p.Meta.GetMetaField(mcp.MetaKeyClientInfo) != nil && p.Meta.ClientInfo() == nil:
		return refusal(mcp.INVALID_PARAMS, "_meta: "+mcp.MetaKeyClientInfo+": want an object with name and version")
	case p.Meta.GetMetaField(mcp.MetaKeyLogLevel) != nil && !slices.Contains(levels(), string(p.Meta.LogLevel())):
		return refusal(mcp.INVALID_PARAMS, "_meta: "+mcp.MetaKeyLogLevel+": want one of "+strings.Join(levels(), ", "))
	}
	return nil
}

func levels() []string {
	return []string{"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"}
}

// unsupported tells which versions could be asked for instead.
func unsupported(version string) *mcp.JSONRPCErrorDetails {
	e := mcp.UnsupportedProtocolVersionError{Version: version, Supported: mcp.ValidProtocolVersions}.JSONRPCError().Error
	return &e
}

// misread says what is wrong with params that the library could not read. It says so itself in terms of its own types.
func misread(method mcp.MCPMethod, err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		member := wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:]
		return fmt.Sprintf("%s: got %s, want %s", member, wrong.Value, jsonType(wrong.Type))
	}
	return fmt.Sprintf("params: want what %s takes", method)
}

// jsonType is what JSON calls the values that t holds.
func jsonType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.Struct, reflect.Map, reflect.Pointer, reflect.Interface:
		return "object"
	default:
		return "number"
	}
}

package emulator

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// Error is an answer of the Web API that is not a success. Code is the platform's, as 0x80040217; Message is what the
// platform tells the caller. The codes are those of Microsoft's SDK (ErrorCodes).
type Error struct {
	Status  int
	Code    string
	Message string
	Header  http.Header // more headers for the answer, such as WWW-Authenticate
	Rows    string      // what became of each row of a message for many, where each stands for itself; "" for others
}

// Error returns the message, with the code.
func (e *Error) Error() string { return e.Message + " (" + e.Code + ")" }

// The platform's codes that this package answers with.
const (
	codeTooManyConditions   = "0x8004430c"
	codeTooManyJoins        = "0x8004430d"
	codeAccessDenied        = "0x80048306"
	codeUnexpected          = "0x80040216"
	codeNotFound            = "0x80040217"
	codePrivilegeDenied     = "0x80040220"
	codeInvalidArgument     = "0x80040203"
	codeODataRequest        = "0x80060888"
	codeSegmentNotFound     = "0x8006088a"
	codePayload             = "0x80048d19"
	codeDuplicateKey        = "0x80040237"
	codeVersionMismatch     = "0x80060882"
	codeNoOptimistic        = "0x8006088d"
	codeKeyUnknown          = "0x80060890"
	codeKeyNoMatch          = "0x80060891"
	codeKeyExists           = "0x80060892"
	codeNoSuchColumn        = "0x80041103"
	codeTooLong             = "0x80044331"
	codeOptionOutOfRange    = "0x8004431a"
	codeRequiredMissing     = "0x80040200"
	codeInvalidStatus       = "0x80048408"
	codeCannotDelete        = "0x80040227"
	codeNotSupported        = "0x80040315"
	codeAggregateLimit      = "0x8004e023"
	codeNotMember           = "0x80072560"
	codeCannotActOnBehalf   = "0x8004a110"
	codeDecimalOutOfRange   = "0x80044330"
	codeUserDisabled        = "0x80040225"
	codeUnknownUser         = "0x80041d1f"
	codeNoSuchTable         = "0x80041102"
	codeInvalidXML          = "0x80040201"
	codeWrongEntity         = "0x80041128"
	codeBadCondition        = "0x80041106"
	codeNoSuchAlias         = "0x8004110a"
	codeDuplicateAlias      = "0x80041130"
	codeNoLinkOfOrder       = "0x80041126"
	codeHighPage            = "0x8004430a"
	codeExpiredVersionStamp = "0x80044352"
)

func fail(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// badRequest is the answer to a request that OData or the platform cannot read.
func badRequest(format string, args ...any) *Error {
	return fail(http.StatusBadRequest, codeODataRequest, format, args...)
}

func noSuchRow(table, id string) *Error {
	return fail(http.StatusNotFound, codeNotFound, "Entity '%s' With Id = %s Does Not Exist", table, id)
}

func noSuchSegment(name string) *Error {
	return fail(http.StatusNotFound, codeSegmentNotFound, "Resource not found for the segment '%s'.", name)
}

func noSuchTable(logical string) *Error {
	return fail(http.StatusBadRequest, codeNoSuchTable,
		"The entity with a name = '%s' with namemapping = 'Logical' was not found in the MetadataCache.", logical)
}

func noSuchProperty(name, schemaName string) *Error {
	return badRequest("Could not find a property named '%s' on type 'Microsoft.Dynamics.CRM.%s'.", name, schemaName)
}

func duplicateAlias(name string) *Error {
	return fail(http.StatusBadRequest, codeDuplicateAlias, "Each alias must be unique within a query: %s", name)
}

// asError turns any error into an answer. What is not meant for the caller becomes a plain 500.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*odata.SyntaxError](err); ok {
		return badRequest("%s", e.Error())
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fail(http.StatusRequestEntityTooLarge, codeInvalidArgument, "The request body exceeds %d bytes.", e.Limit)
	}
	return fail(http.StatusInternalServerError, codeUnexpected, "An unexpected error occurred.")
}

// write answers with the error. It carries the annotations that the client asks for, and to version 8 an innererror.
func (e *Error) write(c *call) {
	maps.Copy(c.w.Header(), e.Header)
	if e.Message == "" { // as the platform answers before it knows who asks
		c.w.WriteHeader(e.Status)
		return
	}
	var detail, body object
	detail.text("code", e.Code)
	detail.text("message", e.Message)
	for _, annotation := range []struct{ term, text string }{
		{"HelpLink", "http://go.microsoft.com/fwlink/?LinkID=398563&error=Microsoft.Crm.CrmException%3a" + strings.TrimPrefix(e.Code, "0x")},
		{"TraceText", ""},
		{"InnerError.Message", e.Message},
		{"ErrorDetails.Plugin.BulkApiErrorDetails", e.Rows},
	} {
		if annotation.text == "" && annotation.term != "TraceText" {
			continue
		}
		if term := "Microsoft.PowerApps.CDS." + annotation.term; c.prefer.annotates(term) {
			detail.text("@"+term, annotation.text)
		}
	}
	if strings.Contains(c.root, "/v8.") {
		var inner object
		inner.text("message", e.Message)
		inner.text("type", "Microsoft.Crm.CrmHttpException")
		inner.text("stacktrace", "")
		detail.raw("innererror", inner.bytes())
	}
	body.raw("error", detail.bytes())
	c.w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
	c.w.WriteHeader(e.Status)
	_, _ = c.w.Write(body.bytes()) // a client that went away needs no answer
}

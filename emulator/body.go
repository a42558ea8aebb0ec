package emulator

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// members are the properties of a JSON object in the order in which they came, which decides what a client hears of
// first. A value is nil, bool, json.Number, string, members or []any.
type members []member

type member struct {
	name  string
	value any
}

// maxNesting is how deep a body may nest.
const maxNesting = 100

// payload is the answer to a body that does not fit the table. Inner is the message of the library that found out.
func payload(t *schema.Table, format string, args ...any) *Error {
	return fail(http.StatusBadRequest, codePayload, "Error identified in Payload provided by the user for Entity :'%s', "+
		"For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293"+
		"  ---->  InnerException : Microsoft.OData.ODataException: %s", t.Set, fmt.Sprintf(format, args...))
}

// body reads the request's body, a JSON object.
func (c *call) body(t *schema.Table) (members, error) {
	text, err := c.jsonText()
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(text)
	d.UseNumber()
	r := bodyReader{decoder: d, table: t}
	value, err := r.value(0)
	if err != nil {
		return nil, r.explain(err)
	}
	object, ok := value.(members)
	if !ok {
		return nil, payload(t, "An unexpected '%s' node was found when reading from the JSON reader. A 'StartObject' node was expected.", node(value))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, payload(t, "Invalid JSON. More than one value was found at the root of the JSON content.")
	}
	return object, nil
}

// jsonText is a JSON body in UTF-8. A byte order mark is none of it.
func (c *call) jsonText() (io.Reader, error) {
	format := c.r.Header.Get("Content-Type")
	media, params, err := mime.ParseMediaType(format)
	if format != "" && (err != nil || media != "application/json") {
		return nil, fail(http.StatusUnsupportedMediaType, codeODataRequest, "The request entity's media type '%s' is not supported for this resource.", format)
	}
	data, err := io.ReadAll(c.r.Body)
	if err != nil {
		return nil, err
	}
	switch charset := strings.ToLower(params["charset"]); charset {
	case "", "utf-8", "utf8", "us-ascii":
		return bytes.NewReader(bytes.TrimPrefix(data, []byte(byteOrderMark))), nil
	case "iso-8859-1":
		runes := make([]rune, len(data))
		for i, b := range data {
			runes[i] = rune(b)
		}
		return strings.NewReader(string(runes)), nil
	default:
		return nil, fail(http.StatusUnsupportedMediaType, codeODataRequest, "The character set '%s' is not supported.", charset)
	}
}

const byteOrderMark = "\ufeff"

// unpack undoes the Content-Encoding of the request.
func (c *call) unpack() error {
	switch encoding := strings.ToLower(c.r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		return nil
	case "gzip":
		plain, err := gzip.NewReader(c.r.Body)
		if err != nil {
			return badRequest("The body is not encoded as gzip: %v", err)
		}
		data, err := io.ReadAll(http.MaxBytesReader(c.w, plain, maxBody))
		if _, large := errors.AsType[*http.MaxBytesError](err); err != nil && !large {
			return badRequest("The body is not encoded as gzip: %v", err)
		}
		c.r.Body = io.NopCloser(bytes.NewReader(data))
		return err
	default:
		return fail(http.StatusUnsupportedMediaType, codeODataRequest, "The content encoding '%s' is not supported.", encoding)
	}
}

// bodyReader reads JSON and keeps the order of properties.
type bodyReader struct {
	decoder *json.Decoder
	table   *schema.Table
}

func (r bodyReader) value(depth int) (any, error) {
	if depth > maxNesting {
		return nil, payload(r.table, "Invalid JSON. The depth limit of %d was exceeded.", maxNesting)
	}
	token, err := r.decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return r.object(depth)
	case json.Delim('['):
		items := []any{}
		for r.decoder.More() {
			item, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		_, err := r.decoder.Token()
		return items, err
	}
	return token, nil
}

func (r bodyReader) object(depth int) (members, error) {
	object := members{}
	seen := map[string]bool{}
	for r.decoder.More() {
		token, err := r.decoder.Token()
		if err != nil {
			return nil, err
		}
		name, ok := token.(string)
		if !ok {
			return nil, payload(r.table, "Invalid JSON. A token was not recognized in the JSON content.")
		}
		if seen[name] {
			return nil, payload(r.table, "Multiple properties with the name '%s' were detected in a resource or a complex value. In OData, duplicate property names are not allowed.", name)
		}
		seen[name] = true
		value, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		object = append(object, member{name, value})
	}
	_, err := r.decoder.Token()
	return object, err
}

// explain turns an error of encoding/json into the OData library's. Others stay.
func (r bodyReader) explain(err error) error {
	if _, ok := errors.AsType[*json.SyntaxError](err); ok && !strings.Contains(err.Error(), "unexpected end") {
		return payload(r.table, "Invalid JSON. A token was not recognized in the JSON content.")
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "unexpected end") {
		return payload(r.table, "Invalid JSON. Unexpected end of input was found in JSON content. Not all object and array scopes were closed.")
	}
	return err
}

// node names a JSON value as the OData library does.
func node(value any) string {
	switch value.(type) {
	case members:
		return "StartObject"
	case []any:
		return "StartArray"
	}
	return "PrimitiveValue"
}

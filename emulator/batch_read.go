package emulator

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// maxBatch is how many requests a batch may hold, those in change sets included.
const maxBatch = 1000

// batchItem is a request of a batch, or the requests of a change set.
type batchItem struct {
	together   bool
	operations []operation
}

// operation is a request inside a batch.
type operation struct {
	contentID   string
	method, url string
	header      http.Header
	content     []byte
}

func (o operation) body() io.ReadCloser { return io.NopCloser(bytes.NewReader(o.content)) }

// readBatch reads the body of a $batch.
func readBatch(r *http.Request) ([]batchItem, error) {
	boundary, err := batchBoundary(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var items []batchItem
	size := 0
	err = eachPart(bytes.TrimPrefix(body, []byte(byteOrderMark)), boundary, func(header textproto.MIMEHeader, content []byte) error {
		item, err := readItem(header, content, boundary)
		if err != nil {
			return err
		}
		if size += len(item.operations); size > maxBatch {
			return badRequest("The current batch message contains too many parts. Only batch messages with a maximum number of '%d' "+
				"query operations and change sets are allowed.", maxBatch)
		}
		items = append(items, item)
		return nil
	})
	return items, err
}

// batchBoundary is the boundary that the Content-Type of a batch or of a change set gives.
func batchBoundary(contentType string) (string, error) {
	if contentType == "" {
		return "", badRequest(`The batch request must have a "Content-Type" header.`)
	}
	kind, params, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil || kind != "multipart/mixed":
		return "", badRequest("The batch request must have 'multipart/mixed' as the media type.")
	case params["boundary"] == "":
		return "", badRequest(`The batch request must have a boundary specification in the "Content-Type" header.`)
	}
	return params["boundary"], nil
}

// eachPart takes a multipart body apart. Lines end in CRLF: clients that end them in LF alone fail against the service.
func eachPart(body []byte, boundary string, do func(textproto.MIMEHeader, []byte) error) error {
	after, found := bytes.CutPrefix(body, []byte("--"+boundary))
	if !found { // what comes before the first boundary is no part
		_, after, found = bytes.Cut(body, []byte("\r\n--"+boundary))
	}
	if after = bytes.TrimLeft(after, "- \t"); !found || len(after) > 0 && !bytes.HasPrefix(after, []byte("\r\n")) {
		return badRequest("The message does not start with the boundary '--%s' on a line that ends in CRLF.", boundary)
	}
	if !bytes.Contains(body, []byte("--"+boundary+"--")) {
		return unreadable(boundary)
	}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unreadable(boundary)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return unreadable(boundary)
		}
		if err := do(part.Header, content); err != nil {
			return err
		}
	}
}

func unreadable(boundary string) *Error {
	return badRequest("The parts of the message with the boundary '%s' cannot be read: each starts with header lines and "+
		"an empty line, the last ends in '--%[1]s--'.", boundary)
}

// readItem reads a part of a batch: a request or a change set.
func readItem(header textproto.MIMEHeader, content []byte, outer string) (batchItem, error) {
	kind := header.Get("Content-Type")
	if !strings.HasPrefix(strings.ToLower(kind), "multipart/") {
		o, err := readOperation(header, content, outer)
		return batchItem{operations: []operation{o}}, err
	}
	boundary, err := batchBoundary(kind)
	if err != nil {
		return batchItem{}, err
	}
	item := batchItem{together: true}
	err = eachPart(content, boundary, func(header textproto.MIMEHeader, content []byte) error {
		o, err := readOperation(header, content, boundary)
		if err != nil {
			return err
		}
		if err := item.admits(o); err != nil {
			return err
		}
		item.operations = append(item.operations, o)
		return nil
	})
	return item, err
}

// admits refuses what may not stand in a change set.
func (i batchItem) admits(o operation) error {
	switch {
	case !writes(o.method):
		return badRequest("An invalid HTTP method '%s' was detected for a request in a change set. Requests in change sets "+
			"only support the HTTP methods 'POST', 'PUT', 'DELETE', and 'PATCH'.", o.method)
	case o.contentID == "":
		return badRequest("The header with name 'Content-ID' was not present in the header collection of the batch operation.")
	case slices.ContainsFunc(i.operations, func(other operation) bool { return other.contentID == o.contentID }):
		return badRequest("The content ID '%s' was found more than once in the same change set or same batch request. "+
			"Content IDs have to be unique across all operations of a change set for OData V4.0 and have to be unique "+
			"across all operations in the whole batch request for OData V4.01.", o.contentID)
	}
	return nil
}

// readOperation reads a request: its line, its headers, an empty line and its body. Boundary is what comes after it. The
// Content-ID stands before the line or among the headers.
func readOperation(part textproto.MIMEHeader, content []byte, boundary string) (operation, error) {
	if kind, _, _ := mime.ParseMediaType(part.Get("Content-Type")); kind != "application/http" {
		if strings.HasPrefix(kind, "multipart/") {
			return operation{}, badRequest("Nested change sets in a batch payload are not supported.")
		}
		return operation{}, badRequest("The content type '%s' of a part of the batch is not 'application/http' or 'multipart/mixed'.",
			part.Get("Content-Type"))
	}
	if !strings.EqualFold(part.Get("Content-Transfer-Encoding"), "binary") {
		return operation{}, badRequest("The header 'Content-Transfer-Encoding' of a part of the batch is '%s'; it must be 'binary'.",
			part.Get("Content-Transfer-Encoding"))
	}
	content = append(slices.Clip(content), "\r\n--"+boundary...) // the line break before the boundary may end the headers
	for blank := true; blank; {
		content, blank = bytes.CutPrefix(content, []byte("\r\n"))
	}
	line, rest, _ := bytes.Cut(content, []byte("\r\n"))
	o := operation{header: http.Header{}}
	var err error
	if o.method, o.url, err = readRequestLine(string(line)); err != nil {
		return o, err
	}
	text, err := readHeader(rest, o.header)
	o.contentID = cmp.Or(strings.TrimSpace(part.Get("Content-ID")), o.header.Get("Content-ID"))
	o.content = bytes.TrimSuffix(text, []byte("\r\n--"+boundary))
	return o, err
}

// readRequestLine reads the first line of a request. The URL may hold blanks.
func readRequestLine(line string) (method, address string, err error) {
	method, rest, _ := strings.Cut(line, " ")
	end := strings.LastIndexByte(rest, ' ')
	switch {
	case method == "" || end < 1:
		return "", "", badRequest("The request line '%s' is invalid. The request line at the start of each operation must be of the "+
			"format 'HttpMethod RequestUrl HttpVersion'.", line)
	case rest[end+1:] != "HTTP/1.1":
		return "", "", badRequest("The HTTP version '%s' used in a batch operation request is not valid. The value must be 'HTTP/1.1'.", rest[end+1:])
	case method != http.MethodGet && !writes(method):
		return "", "", badRequest("Invalid HTTP method '%s' detected. HTTP methods of requests in a batch are 'GET', 'POST', 'PUT', "+
			"'DELETE' and 'PATCH'.", method)
	}
	return method, strings.TrimSpace(rest[:end]), nil
}

// writes reports whether requests with the method may stand in a change set.
func writes(method string) bool {
	return slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch}, method)
}

// readHeader reads header lines up to the empty one and returns what comes after.
func readHeader(text []byte, header http.Header) ([]byte, error) {
	for {
		line, rest, _ := bytes.Cut(text, []byte("\r\n"))
		if len(line) == 0 {
			return rest, nil
		}
		name, value, found := strings.Cut(string(line), ":")
		if !found || strings.ContainsAny(name, " \t\n") {
			return nil, badRequest("The message header '%s' is invalid. The header value must be of the format "+
				"'<header name>: <header value>'.", line)
		}
		header.Add(name, strings.TrimSpace(value))
		text = rest
	}
}

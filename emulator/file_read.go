package emulator

import (
	"mime"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strconv"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// readFile answers with a file: its bytes with /$value, else as the base64 value of the property. A Range holds for both.
func (c *call) readFile(t *schema.Table, id string, column *schema.Column, name string, bare bool) error {
	f, err := c.fileOf(c.context(), id, column)
	switch {
	case err != nil:
		return err
	case f == nil:
		return c.empty()
	}
	part, status, err := c.ranged(f.content)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("x-ms-file-size", strconv.Itoa(len(f.content)))
	h.Set("mimetype", mimeType(f.name))
	h.Set("x-ms-file-name", url.PathEscape(f.name))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.name}))
	if status == http.StatusPartialContent {
		h.Set("x-ms-chunk-size", strconv.Itoa(chunkSize))
	}
	if !bare {
		var body object
		c.writeContext(&body, c.root+"$metadata#"+t.Set+"("+id+")/"+name)
		body.any("value", append([]byte{}, part...)) // nil would be null
		return c.answer(status, body.bytes())
	}
	h.Set("Content-Type", "application/octet-stream")
	c.status, c.held = status, whole(part)
	return nil
}

// mimeType is told by the ending of a name.
func mimeType(name string) string {
	kind, _, err := mime.ParseMediaType(mime.TypeByExtension(path.Ext(name)))
	if err != nil {
		return "application/octet-stream"
	}
	return kind
}

var byteRange = regexp.MustCompile(`^bytes=(\d+)-(\d*)$`)

// ranged is the part of a file that the Range header asks for, all of it without one. Clients that read on until
// nothing is left may begin at the very end.
func (c *call) ranged(content []byte) (part []byte, status int, err error) {
	asked := byteRange.FindStringSubmatch(c.r.Header.Get("Range"))
	if asked == nil {
		return content, http.StatusOK, nil
	}
	from, err := strconv.Atoi(asked[1])
	if err != nil || from > len(content) {
		return nil, 0, fail(http.StatusRequestedRangeNotSatisfiable, codeInvalidArgument,
			"The range '%s' is outside the file of %d bytes.", asked[0], len(content))
	}
	to := len(content)
	if last, err := strconv.Atoi(asked[2]); err == nil && last < to {
		to = max(last+1, from)
	}
	return content[from:to], http.StatusPartialContent, nil
}

package emulator

import (
	"context"
	"database/sql"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// uploadFile answers PATCH on a file or image column: the whole file, the start of an upload in chunks, or a chunk.
// Clients repeat x-ms-transfer-mode with every chunk, so that the session in the URL decides.
func (c *call) uploadFile(t *schema.Table, column *schema.Column) error {
	l, err := c.find(c.context(), t)
	if err != nil {
		return err
	}
	content, err := io.ReadAll(c.r.Body)
	if err != nil {
		return err
	}
	if token := c.query.Get("sessiontoken"); token != "" {
		return c.uploadChunk(l, column, token, content)
	}
	f := &file{name: c.fileName(), content: content}
	if f.name == "" && column.Type == schema.File {
		return badRequest("The name of the file is missing: it stands in the header or in the query parameter x-ms-file-name.")
	}
	if strings.EqualFold(c.r.Header.Get("x-ms-transfer-mode"), "chunked") {
		token := c.transfers.begin(&transfer{table: l.table.Logical, row: l.id, column: column.Logical, file: file{name: f.name}}, c.at)
		h := c.w.Header()
		h.Set("Location", c.root+odata.FormatPath(c.path)+"?sessiontoken="+token)
		h.Set("x-ms-chunk-size", strconv.Itoa(chunkSize))
		h.Set("Accept-Ranges", "bytes")
		h.Set("Access-Control-Expose-Headers", h.Get("Access-Control-Expose-Headers")+", x-ms-chunk-size")
		c.w.WriteHeader(http.StatusOK)
		return nil
	}
	return c.upload(l, column, f)
}

// upload keeps a file.
func (c *call) upload(l location, column *schema.Column, f *file) error {
	if err := fileFits(column, len(f.content)); err != nil {
		return err
	}
	err := c.db.Write(c.context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := c.setFile(ctx, tx, l, column, f)
		return err
	})
	if err != nil {
		return err
	}
	return c.empty()
}

// fileName is the file's name: the header goes before the query. Clients escape what a header cannot carry.
func (c *call) fileName() string {
	name := c.r.Header.Get("x-ms-file-name")
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	if name == "" {
		name = c.query.Get("x-ms-file-name")
	}
	return name
}

// contentRange reads what a chunk is of the file. That of an empty file ends before it begins: 0--1/0.
var contentRange = regexp.MustCompile(`^bytes (\d+)-(-1|\d+)/(\d+)$`)

// uploadChunk adds to a file: 206 while some of it is missing. After the last chunk an empty one may follow, from
// clients that count whole chunks.
func (c *call) uploadChunk(l location, column *schema.Column, token string, chunk []byte) error {
	var complete *file
	err := c.transfers.with(token, func(u *transfer) error {
		if u.row != l.id || u.column != column.Logical {
			return unknownTransfer(token)
		}
		if u.done && len(chunk) == 0 {
			return nil
		}
		total, err := u.take(c.r.Header.Get("Content-Range"), column, chunk)
		if err == nil && len(u.file.content) == total {
			u.done = true
			done := u.file
			complete, u.file.content = &done, nil
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case complete != nil:
		return c.upload(l, column, complete)
	case len(chunk) == 0:
		return c.empty()
	}
	c.w.WriteHeader(http.StatusPartialContent)
	return nil
}

// take adds the chunk, which must begin where the last one ended. It returns how long the file is to be.
func (u *transfer) take(stands string, column *schema.Column, chunk []byte) (total int, err error) {
	said := contentRange.FindStringSubmatch(stands)
	if said == nil {
		return 0, badRequest("The Content-Range '%s' of the chunk is not of the form 'bytes 0-4194303/25870370'.", stands)
	}
	first, _ := strconv.Atoi(said[1])
	last, _ := strconv.Atoi(said[2])
	if total, err = strconv.Atoi(said[3]); err != nil {
		return 0, fileTooBig()
	}
	if err := fileFits(column, total); err != nil {
		return 0, err
	}
	if u.done || first != len(u.file.content) || last-first+1 != len(chunk) || last >= total {
		return 0, badRequest("The Content-Range '%s' does not fit: the chunk has %d bytes, and %d are there.", stands, len(chunk), len(u.file.content))
	}
	u.file.content = append(u.file.content, chunk...)
	return total, nil
}

// deleteFile empties a file column.
func (c *call) deleteFile(t *schema.Table, column *schema.Column) error {
	l, err := c.find(c.context(), t)
	if err != nil {
		return err
	}
	err = c.db.Write(c.context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := c.setFile(ctx, tx, l, column, nil)
		return err
	})
	if err != nil {
		return err
	}
	return c.empty()
}

package emulator

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// file is what a file or image column of a row holds.
type file struct {
	id      string
	name    string
	content []byte
}

// chunkSize is how much of a file the service takes or gives at a time.
const chunkSize = 4 << 20

func holdsFile(c *schema.Column) bool { return c.Type == schema.File || c.Type == schema.Image }

// fileOf is what the column of a row holds, nil for nothing.
func (c *call) fileOf(ctx context.Context, row string, column *schema.Column) (*file, error) {
	if column.Type == schema.Image {
		value, err := c.valueOf(ctx, column.Table, row, column)
		text, _ := value.(string)
		if err != nil || text == "" {
			return nil, err
		}
		data, err := base64.StdEncoding.DecodeString(text)
		return &file{name: imageName(column, data), content: data}, err
	}
	f := &file{}
	err := c.db.Read(ctx, func(ctx context.Context, q store.Querier) error {
		return q.QueryRowContext(ctx, `SELECT id, name, content FROM "$file" WHERE objectid = ? AND "column" = ?`, row, column.Logical).
			Scan(&f.id, &f.name, &f.content)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return f, err
}

// imageName is a name for an image, which keeps none of its own: entityimage.png.
func imageName(column *schema.Column, content []byte) string {
	if kind, ok := strings.CutPrefix(http.DetectContentType(content), "image/"); ok {
		return column.Logical + "." + kind
	}
	return column.Logical
}

// setFile puts a file into the column of a row, or takes out what is there with nil. It returns the file's id.
func (c *call) setFile(ctx context.Context, tx *sql.Tx, l location, column *schema.Column, f *file) (id string, err error) {
	writing := &acting{call: c, tx: tx}
	if column.Type == schema.Image {
		var value any
		if f != nil {
			value = base64.StdEncoding.EncodeToString(f.content)
		}
		return uuid.NewString(), writing.change(ctx, l, map[string]any{column.Logical: value})
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM "$file" WHERE objectid = ? AND "column" = ?`, l.id, column.Logical); err != nil {
		return "", err
	}
	if f == nil {
		return "", writing.change(ctx, l, map[string]any{column.Logical: nil, column.Logical + "_name": nil})
	}
	id = uuid.NewString()
	_, err = tx.ExecContext(ctx, `INSERT INTO "$file" (id, "table", "column", objectid, name, content) VALUES (?, ?, ?, ?, ?, ?)`,
		id, l.table.Logical, column.Logical, l.id, f.name, append([]byte{}, f.content...)) // nil would be NULL
	if err != nil {
		return "", err
	}
	return id, writing.change(ctx, l, map[string]any{column.Logical: id, column.Logical + "_name": f.name})
}

// fileFits refuses a file that is larger than the column takes.
func fileFits(column *schema.Column, size int) error {
	limit := 32768
	if column.Type == schema.Image {
		limit = 10240
	}
	if said, ok := column.Settings["MaxSizeInKB"]; ok {
		_ = json.Unmarshal(said, &limit) // it was checked against its type when it was kept
	}
	if size > limit<<10 {
		return fileTooBig()
	}
	return nil
}

func fileTooBig() *Error {
	return fail(http.StatusBadRequest, "0x80044a02", "Attachment file size is too big.")
}

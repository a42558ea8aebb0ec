package emulator

import (
	"context"
	"database/sql"
	"errors"
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

var initializeFileBlocksUpload = message{
	name:   "InitializeFileBlocksUpload",
	action: true,
	parameters: []parameter{
		{name: "Target", kind: "crmbaseentity"}, {name: "FileName", kind: "Edm.String"}, {name: "FileAttributeName", kind: "Edm.String"},
	},
	result: "InitializeFileBlocksUploadResponse",
	act: func(ctx context.Context, a *acting) error {
		l, column, err := a.fileTarget(ctx)
		if err != nil {
			return err
		}
		u := &transfer{table: l.table.Logical, row: l.id, column: column.Logical, file: file{name: a.text("FileName")}, blocks: map[string][]byte{}}
		o := a.respond("InitializeFileBlocksUploadResponse")
		o.text("FileContinuationToken", a.transfers.begin(u, a.at))
		return a.answer(http.StatusOK, o.bytes())
	},
}

// fileTarget is the row and the column that the arguments name.
func (a *acting) fileTarget(ctx context.Context) (location, *schema.Column, error) {
	l, err := a.referred(ctx, "crmbaseentity", a.object("Target"))
	if err != nil {
		return l, nil, err
	}
	column := l.table.Column(a.text("FileAttributeName"))
	if column == nil || !holdsFile(column) {
		return l, nil, fail(http.StatusBadRequest, codeInvalidArgument, "The attribute '%s' of '%s' holds no file.", a.text("FileAttributeName"), l.table.Logical)
	}
	return l, column, nil
}

var uploadBlock = message{
	name:   "UploadBlock",
	action: true,
	parameters: []parameter{
		{name: "BlockId", kind: "Edm.String"}, {name: "BlockData", kind: "Edm.Binary"}, {name: "FileContinuationToken", kind: "Edm.String"},
	},
	act: func(_ context.Context, a *acting) error {
		data := a.binary("BlockData")
		if len(data) > chunkSize {
			return fail(http.StatusBadRequest, codeInvalidArgument, "The block '%s' has %d bytes: %d are the most.", a.text("BlockId"), len(data), chunkSize)
		}
		token := a.text("FileContinuationToken")
		return a.transfers.with(token, func(u *transfer) error {
			if u.blocks == nil {
				return unknownTransfer(token)
			}
			id := a.text("BlockId")
			size := u.size - len(u.blocks[id]) + len(data)
			if column := a.destination(u); column != nil {
				if err := fileFits(column, size); err != nil {
					return err
				}
			}
			u.blocks[id], u.size = data, size
			return nil
		})
	},
}

var commitFileBlocksUpload = message{
	name:   "CommitFileBlocksUpload",
	action: true,
	parameters: []parameter{
		{name: "FileName", kind: "Edm.String"}, {name: "MimeType", kind: "Edm.String"},
		{name: "BlockList", kind: "Collection(Edm.String)"}, {name: "FileContinuationToken", kind: "Edm.String"},
	},
	result: "CommitFileBlocksUploadResponse",
	act: func(ctx context.Context, a *acting) error {
		f, l, column, err := a.assembled(ctx)
		if err != nil {
			return err
		}
		id, err := a.setFile(ctx, a.tx, l, column, f)
		if err != nil {
			return err
		}
		o := a.respond("CommitFileBlocksUploadResponse")
		o.text("FileId", id)
		o.any("FileSizeInBytes", len(f.content))
		return a.answer(http.StatusOK, o.bytes())
	},
}

// destination is the column that an upload goes to, nil where it went meanwhile.
func (a *acting) destination(u *transfer) *schema.Column {
	if t := a.schema.Table(u.table); t != nil {
		return t.Column(u.column)
	}
	return nil
}

// assembled is the file of the blocks that the list names, with where it goes. Its transfer is over.
func (a *acting) assembled(ctx context.Context) (*file, location, *schema.Column, error) {
	content, ended, err := a.gathered(func(u *transfer) bool { return u.row != "" })
	if err != nil {
		return nil, location{}, nil, err
	}
	column, f := a.destination(&ended), &file{name: a.text("FileName"), content: content}
	l := location{table: column.Table, id: ended.row}
	if err := l.find(ctx, a.tx); err != nil {
		return nil, l, nil, err
	}
	if !l.found {
		return nil, l, nil, l.missing()
	}
	return f, l, column, nil
}

// gathered puts the blocks of the list together, and ends their transfer where it is of the right kind.
func (a *acting) gathered(fits func(*transfer) bool) (content []byte, ended transfer, err error) {
	token := a.text("FileContinuationToken")
	err = a.transfers.with(token, func(u *transfer) error {
		column := a.destination(u)
		if u.blocks == nil || column == nil || !fits(u) {
			return unknownTransfer(token)
		}
		for _, id := range a.texts("BlockList") {
			block, ok := u.blocks[id]
			if !ok {
				return fail(http.StatusBadRequest, codeInvalidArgument, "The block '%s' of the list has not been uploaded.", id)
			}
			if err := fileFits(column, len(content)+len(block)); err != nil { // a list may name a block more than once
				return err
			}
			content = append(content, block...)
		}
		ended = *u
		delete(a.transfers.byToken, token)
		return nil
	})
	return content, ended, err
}

var initializeFileBlocksDownload = message{
	name:       "InitializeFileBlocksDownload",
	action:     true,
	parameters: []parameter{{name: "Target", kind: "crmbaseentity"}, {name: "FileAttributeName", kind: "Edm.String"}},
	result:     "InitializeFileBlocksDownloadResponse",
	act: func(ctx context.Context, a *acting) error {
		l, column, err := a.fileTarget(ctx)
		if err != nil {
			return err
		}
		f, err := a.fileOf(ctx, l.id, column)
		if err != nil {
			return err
		}
		if f == nil {
			return fail(http.StatusNotFound, codeNotFound, "The attribute '%s' of '%s' With Id = %s holds no file.", column.Logical, l.table.Logical, l.id)
		}
		o := a.respond("InitializeFileBlocksDownloadResponse")
		o.text("FileContinuationToken", a.transfers.begin(&transfer{file: *f}, a.at))
		o.any("FileSizeInBytes", len(f.content))
		o.text("FileName", f.name)
		o.any("IsChunkingSupported", true)
		return a.answer(http.StatusOK, o.bytes())
	},
}

var downloadBlock = message{
	name:   "DownloadBlock",
	action: true,
	parameters: []parameter{
		{name: "Offset", kind: "Edm.Int64"}, {name: "BlockLength", kind: "Edm.Int64"}, {name: "FileContinuationToken", kind: "Edm.String"},
	},
	result: "DownloadBlockResponse",
	answer: func(c *call, args arguments) error {
		var part []byte
		err := c.transfers.with(args.text("FileContinuationToken"), func(u *transfer) error {
			size := int64(len(u.file.content))
			from := min(max(args.number("Offset"), 0), size)
			length := min(max(args.number("BlockLength"), 0), chunkSize, size-from)
			part = u.file.content[from : from+length]
			return nil
		})
		if err != nil {
			return err
		}
		o := c.respond("DownloadBlockResponse")
		o.any("Data", append([]byte{}, part...)) // nil would be null
		return c.answer(http.StatusOK, o.bytes())
	},
}

var deleteFile = message{
	name:       "DeleteFile",
	action:     true,
	parameters: []parameter{{name: "FileId", kind: "Edm.Guid"}},
	act: func(ctx context.Context, a *acting) error {
		var table, column, row string
		err := a.tx.QueryRowContext(ctx, `SELECT "table", "column", objectid FROM "$file" WHERE id = ?`, a.text("FileId")).Scan(&table, &column, &row)
		if errors.Is(err, sql.ErrNoRows) {
			return noSuchRow("fileattachment", a.text("FileId"))
		}
		if err != nil {
			return err
		}
		t := a.schema.Table(table)
		_, err = a.setFile(ctx, a.tx, location{table: t, id: row, found: true}, t.Column(column), nil)
		return err
	},
}

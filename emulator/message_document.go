package emulator

import (
	"context"
	"encoding/base64"
	"net/http"
)

// document is a table whose rows hold a file in a column of text, as base64. Its files travel in blocks like those of
// file columns, between messages of their own.
type document struct {
	table, body string
	message     string // what stands in the names of the messages
	id          string // of the row, as the answer calls it
}

var (
	noteDocument       = document{"annotation", "documentbody", "Annotation", "AnnotationId"}
	attachmentDocument = document{"activitymimeattachment", "body", "Attachment", "ActivityMimeAttachmentId"}
)

// uploads is the message that begins an upload. The row need not be there yet.
func (d document) uploads() message {
	return message{
		name:       "Initialize" + d.message + "BlocksUpload",
		action:     true,
		parameters: []parameter{{name: "Target", kind: d.table}},
		result:     "Initialize" + d.message + "BlocksUploadResponse",
		act: func(_ context.Context, a *acting) error {
			if _, err := a.tableOf(d.table, a.object("Target")); err != nil {
				return err
			}
			o := a.respond("Initialize" + d.message + "BlocksUploadResponse")
			o.text("FileContinuationToken", a.transfers.begin(&transfer{table: d.table, column: d.body, blocks: map[string][]byte{}}, a.at))
			return a.answer(http.StatusOK, o.bytes())
		},
	}
}

// commits is the message that ends an upload: it writes the row with all that its Target says, and the file.
func (d document) commits() message {
	return message{
		name:   "Commit" + d.message + "BlocksUpload",
		action: true,
		parameters: []parameter{
			{name: "Target", kind: d.table}, {name: "BlockList", kind: "Collection(Edm.String)"}, {name: "FileContinuationToken", kind: "Edm.String"},
		},
		result: "Commit" + d.message + "BlocksUploadResponse",
		act: func(ctx context.Context, a *acting) error {
			target := a.object("Target")
			t, err := a.tableOf(d.table, target)
			if err != nil {
				return err
			}
			l, err := a.locateItem(ctx, t, target)
			if err != nil {
				return err
			}
			content, _, err := a.gathered(func(u *transfer) bool { return u.table == d.table })
			if err != nil {
				return err
			}
			id, err := a.writeDocument(ctx, l, target, d.body, content)
			if err != nil {
				return err
			}
			o := a.respond("Commit" + d.message + "BlocksUploadResponse")
			o.text(d.id, id)
			o.any("FileSizeInBytes", len(content))
			return a.answer(http.StatusOK, o.bytes())
		},
	}
}

// writeDocument makes the row that the target describes, or writes over the one that is there.
func (a *acting) writeDocument(ctx context.Context, l location, target members, body string, content []byte) (id string, err error) {
	row, err := entering{a.call, !l.found, !l.found}.entry(ctx, l.table, target)
	if err != nil {
		return "", err
	}
	row.values[body] = base64.StdEncoding.EncodeToString(content)
	if l.found {
		return l.id, a.modify(ctx, a.tx, row, l.id)
	}
	return a.insert(ctx, a.tx, row)
}

// downloads is the message that begins a download.
func (d document) downloads() message {
	return message{
		name:       "Initialize" + d.message + "BlocksDownload",
		action:     true,
		parameters: []parameter{{name: "Target", kind: d.table}},
		result:     "Initialize" + d.message + "BlocksDownloadResponse",
		act: func(ctx context.Context, a *acting) error {
			l, err := a.referred(ctx, d.table, a.object("Target"))
			if err != nil {
				return err
			}
			row, err := a.stands(ctx, l)
			if err != nil {
				return err
			}
			f, err := documentIn(row, d.body)
			if err != nil {
				return err
			}
			o := a.respond("Initialize" + d.message + "BlocksDownloadResponse")
			o.text("FileContinuationToken", a.transfers.begin(&transfer{file: f}, a.at))
			o.any("FileSizeInBytes", len(f.content))
			o.text("FileName", f.name)
			return a.answer(http.StatusOK, o.bytes())
		},
	}
}

// documentIn is the file that a row holds, which is empty where it has none.
func documentIn(row map[string]any, body string) (f file, err error) {
	text, _ := row[body].(string)
	f.name, _ = row["filename"].(string)
	if f.content, err = base64.StdEncoding.DecodeString(text); err != nil {
		return f, fail(http.StatusBadRequest, codeInvalidArgument, "The column '%s' does not hold a file in base64.", body)
	}
	return f, nil
}

package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

var bulkDelete = message{
	name:   "BulkDelete",
	action: true,
	parameters: []parameter{
		{name: "QuerySet", kind: "Collection(QueryExpression)"},
		{name: "JobName", kind: "Edm.String"},
		{name: "SendEmailNotification", kind: "Edm.Boolean"},
		{name: "ToRecipients", kind: "Collection(activityparty)"},
		{name: "CCRecipients", kind: "Collection(activityparty)"},
		{name: "RecurrencePattern", kind: "Edm.String"},
		{name: "StartDateTime", kind: "Edm.DateTimeOffset"},
		{name: "SourceImportId", kind: "Edm.Guid", optional: true},
		{name: "RunNow", kind: "Edm.Boolean", optional: true},
	},
	result: "BulkDeleteResponse",
	act: func(ctx context.Context, a *acting) error {
		if err := a.runsNow(); err != nil {
			return err
		}
		job := bulkDeletion{acting: a}
		for _, query := range a.items("QuerySet") {
			if err := job.run(ctx, query); err != nil {
				return err
			}
		}
		id, err := job.record(ctx)
		if err != nil {
			return err
		}
		o := a.respond("BulkDeleteResponse")
		o.text("JobId", id)
		return a.answer(http.StatusOK, o.bytes())
	},
}

// clockSkew is how far ahead a client's clock may be.
const clockSkew = 5 * time.Minute

// runsNow refuses a job for later: no job waits here.
func (a *acting) runsNow() error {
	at, err := time.Parse(time.RFC3339, a.text("StartDateTime"))
	if err != nil {
		return err
	}
	if at.After(a.at.Add(clockSkew)) && !a.flag("RunNow") || a.text("RecurrencePattern") != "" {
		return fail(http.StatusNotImplemented, codeNotSupported, "This emulator runs a BulkDelete at once and never again: "+
			"StartDateTime has to be past and RecurrencePattern empty.")
	}
	return nil
}

// bulkDeletion deletes what queries select. A row that cannot be deleted stays and does not stop the others.
type bulkDeletion struct {
	*acting
	deleted, failed int
	first           string // why the first one failed
}

func (d *bulkDeletion) run(ctx context.Context, query members) error {
	t, ids, err := d.selected(ctx, query)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := d.delete(ctx, t, id); err != nil {
			return err
		}
	}
	return nil
}

// selected are the rows of a query.
func (d *bulkDeletion) selected(ctx context.Context, query members) (*schema.Table, []string, error) {
	parsed, err := readQueryExpression(query)
	if err != nil {
		return nil, nil, err
	}
	t := d.schema.Table(parsed.Entity.Name)
	if t == nil {
		return nil, nil, noSuchTable(parsed.Entity.Name)
	}
	if err := d.knows(t, "Delete"); err != nil {
		return nil, nil, err
	}
	q, err := d.compileFetch(t, source{}, parsed)
	if err != nil {
		return nil, nil, err
	}
	from := q.joins.sql()
	result, err := d.tx.QueryContext(ctx, fmt.Sprintf("SELECT DISTINCT %s.%s%s", rowAlias, store.Quote(t.PrimaryID), from.sql), from.args...)
	if err != nil {
		return nil, nil, err
	}
	var ids []string
	err = scanAll(result, func(cells []any) error {
		id, _ := cells[0].(string)
		ids = append(ids, id)
		return nil
	})
	return t, ids, err
}

func (d *bulkDeletion) delete(ctx context.Context, t *schema.Table, id string) error {
	if _, err := d.tx.ExecContext(ctx, `SAVEPOINT row`); err != nil {
		return err
	}
	err := d.remove(ctx, d.tx, t, id)
	if err == nil {
		d.deleted++
	} else {
		refusal, refused := errors.AsType[*Error](err)
		if !refused {
			return err
		}
		if _, err := d.tx.ExecContext(ctx, `ROLLBACK TO row`); err != nil {
			return err
		}
		if refusal.Code != codeNotFound { // else it went with an earlier one
			d.refuse(refusal)
		}
	}
	_, err = d.tx.ExecContext(ctx, `RELEASE row`)
	return err
}

func (d *bulkDeletion) refuse(why *Error) {
	if d.failed++; d.failed == 1 {
		d.first = why.Message
	}
}

// The asyncoperation of a bulk deletion.
const (
	operationBulkDelete = 13
	jobCompleted        = 3
	jobSucceeded        = 30
	jobFailed           = 31
)

// record makes the row of the job, which is over.
func (d *bulkDeletion) record(ctx context.Context) (id string, err error) {
	t := d.schema.Table("asyncoperation")
	now := d.at.Format(storedTime)
	id, err = d.add(ctx, t, map[string]any{
		"name": d.text("JobName"), "operationtype": int64(operationBulkDelete), "messagename": "BulkDelete", "startedon": now,
	})
	if err != nil {
		return "", err
	}
	status, message := int64(jobSucceeded), fmt.Sprintf("%d records deleted.", d.deleted)
	if d.failed > 0 {
		status, message = jobFailed, fmt.Sprintf("%d records deleted, %d not: %s", d.deleted, d.failed, d.first)
	}
	return id, d.change(ctx, location{table: t, id: id}, map[string]any{
		"statecode": int64(jobCompleted), "statuscode": status, "completedon": now, "message": message, "friendlymessage": message,
	})
}

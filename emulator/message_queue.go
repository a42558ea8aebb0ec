package emulator

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

var addToQueue = message{
	name:   "AddToQueue",
	action: true,
	bound:  "queue",
	parameters: []parameter{
		{name: "Target", kind: "crmbaseentity"},
		{name: "SourceQueue", kind: "queue", optional: true},
		{name: "QueueItemProperties", kind: "queueitem", optional: true},
	},
	result: "AddToQueueResponse",
	act: func(ctx context.Context, a *acting) error {
		id, err := a.enqueue(ctx)
		if err != nil {
			return err
		}
		o := a.respond("AddToQueueResponse")
		o.text("QueueItemId", id)
		return a.answer(http.StatusOK, o.bytes())
	},
}

// enqueue makes an item of the row in the queue. A row waits in one queue at a time: from another one it is taken out.
func (a *acting) enqueue(ctx context.Context) (id string, err error) {
	target, err := a.referred(ctx, "crmbaseentity", a.object("Target"))
	if err != nil {
		return "", err
	}
	items := a.schema.Table("queueitem")
	if !slices.Contains(items.Column("objectid").Targets, target.table.Logical) {
		return "", fail(http.StatusBadRequest, codeNoMethod, "The method being invoked does not support provided entity type.")
	}
	queue, err := a.stands(ctx, a.bound)
	if err != nil {
		return "", err
	}
	if queue["statecode"] != int64(0) {
		return "", fail(http.StatusBadRequest, "0x80040522", "You can't add items to an inactive queue.")
	}
	if err := a.dequeue(ctx, items, target); err != nil {
		return "", err
	}
	row, err := entering{a.call, true, false}.entry(ctx, items, a.object("QueueItemProperties"))
	if err != nil {
		return "", err
	}
	stands, err := a.stands(ctx, target)
	if err != nil {
		return "", err
	}
	setLookup(row.values, items.Column("objectid"), target.id, target.table.Logical)
	setLookup(row.values, items.Column("queueid"), a.bound.id, "queue")
	row.values["objecttypecode"] = int64(target.table.TypeCode)
	row.values["title"] = stands[target.table.PrimaryName]
	row.values["enteredon"] = a.at.Format(storedTime)
	return a.insert(ctx, a.tx, row)
}

// dequeue takes the row out of the queue that it waits in, which is the source queue where one is given.
func (a *acting) dequeue(ctx context.Context, items *schema.Table, target location) error {
	var item string
	var queue sql.NullString
	err := a.tx.QueryRowContext(ctx, "SELECT queueitemid, queueid FROM queueitem WHERE objectid = ? AND statecode = 0", target.id).Scan(&item, &queue)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if given := a.object("SourceQueue"); given != nil {
		source, err := a.referred(ctx, "queue", given)
		if err != nil {
			return err
		}
		if source.id != queue.String {
			return fail(http.StatusNotFound, "0x80040524", "The item is not in the source queue '%s'.", source.id)
		}
	}
	if item == "" {
		return nil
	}
	return a.remove(ctx, a.tx, items, item)
}

package emulator

import (
	"context"
	"net/http"
)

var pickFromQueue = message{
	name:   "PickFromQueue",
	action: true,
	bound:  "queueitem",
	parameters: []parameter{
		{name: "SystemUser", kind: "systemuser"},
		{name: "RemoveQueueItem", kind: "Edm.Boolean"},
	},
	act: func(ctx context.Context, a *acting) error {
		user, err := a.referred(ctx, "systemuser", a.object("SystemUser"))
		if err != nil {
			return err
		}
		if err := a.onlyActive(ctx); err != nil {
			return err
		}
		if a.flag("RemoveQueueItem") {
			return a.remove(ctx, a.tx, a.bound.table, a.bound.id)
		}
		return a.worker(ctx, user.id)
	},
}

var releaseToQueue = message{
	name:   "ReleaseToQueue",
	action: true,
	bound:  "queueitem",
	act: func(ctx context.Context, a *acting) error {
		if err := a.onlyActive(ctx); err != nil {
			return err
		}
		return a.worker(ctx, "")
	},
}

var removeFromQueue = message{
	name:   "RemoveFromQueue",
	action: true,
	bound:  "queueitem",
	act: func(ctx context.Context, a *acting) error {
		return a.remove(ctx, a.tx, a.bound.table, a.bound.id)
	},
}

// onlyActive refuses an item whose row is done with.
func (a *acting) onlyActive(ctx context.Context) error {
	item, err := a.stands(ctx, a.bound)
	if err == nil && item["statecode"] != int64(0) {
		return fail(http.StatusBadRequest, "0x8004051d", "You can't update an inactive queue item.")
	}
	return err
}

// worker notes who works on the item; "" is nobody.
func (a *acting) worker(ctx context.Context, user string) error {
	values := map[string]any{"workeridmodifiedon": a.at.Format(storedTime)}
	setLookup(values, a.bound.table.Column("workerid"), emptyAsNull(user), "systemuser")
	return a.change(ctx, a.bound, values)
}

package emulator

import (
	"context"
	"net/http"
)

// codeOpportunityState is the code of an update that would win or lose an opportunity.
const codeOpportunityState = "0x80100005"

// ending is a state that only an action gives a row. State and use are the words of the refusal.
type ending struct {
	table      string
	value      int64
	code       string
	state, use string
}

func endings() []ending {
	return []ending{
		{"opportunity", 1, codeOpportunityState, "won", "won"},
		{"opportunity", 2, codeOpportunityState, "lost", "lost"},
		{"incident", 1, codeInvalidArgument, "Resolved", "CloseIncidentRequest"},
		{"salesorder", 3, codeInvalidArgument, "Fulfilled", "FulfillSalesOrderRequest"},
	}
}

// endedByAction refuses an update that would end a row without the activity that says why.
func (w *writing) endedByAction(context.Context) error {
	state, changes := w.set["statecode"].(int64)
	if w.creating() || w.acts || !changes || w.before["statecode"] == state {
		return nil
	}
	for _, e := range endings() {
		if e.table == w.table.Logical && e.value == state {
			return fail(http.StatusBadRequest, e.code, "This message can not be used to set the state of %[1]s to %[2]s. "+
				"In order to set state of %[1]s to %[2]s, use the %[3]s message instead.", e.table, e.state, e.use)
		}
	}
	return nil
}

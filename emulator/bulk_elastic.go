package emulator

import (
	"encoding/json"
	"errors"
	"net/http"
)

// bulkRow tells what became of one row of a message for many.
type bulkRow struct {
	RequestIndex int
	ID           string `json:"Id"`
	StatusCode   int
}

// bulkStatus is the status of a row that was written.
var bulkStatus = map[string]int{
	"CreateMultiple": http.StatusCreated, "UpdateMultiple": http.StatusOK, "UpsertMultiple": http.StatusOK, "DeleteMultiple": http.StatusNoContent,
}

// each does it to rows one by one, whatever becomes of the others. The error is the first row's, and tells of all.
func (b bulkUpdate) each(targets []members, one bulkStep) ([]string, error) {
	ids, rows := make([]string, len(targets)), make([]bulkRow, len(targets))
	var first *Error
	for i, object := range targets {
		written, err := b.bulkTogether([]members{object}, one)
		failed, ok := errors.AsType[*Error](err)
		if err != nil && !ok {
			return nil, err
		}
		ids[i] = written[0]
		rows[i] = bulkRow{i, ids[i], bulkStatus[b.message]}
		if failed == nil {
			continue
		}
		if id, ok := object.get(b.table.PrimaryID); ok && ids[i] == "" {
			rows[i].ID, _ = id.(string)
		}
		if rows[i].StatusCode = failed.Status; first == nil {
			first = failed
		}
	}
	if first == nil {
		return ids, nil
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return nil, err
	}
	told := *first
	told.Rows = string(text)
	return nil, &told
}

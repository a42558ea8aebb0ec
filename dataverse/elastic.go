package dataverse

import (
	"bytes"
	"encoding/json"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// partitionColumn holds the partition of a row of an elastic table. Where it is not the row's own id, only both together
// name the row.
const partitionColumn = "partitionid"

// newKey is the key of a row that is to be made, as it stands in a URL.
func (t *Table) newKey(id string, row map[string]any) string {
	partition, _ := row[partitionColumn].(string)
	if !t.elastic() || partition == "" {
		return "(" + id + ")"
	}
	return odata.FormatPath([]odata.Segment{{Args: []odata.Arg{
		{Name: t.PrimaryID, Value: &odata.Literal{Kind: odata.GUID, Value: id}},
		{Name: partitionColumn, Value: &odata.Literal{Kind: odata.String, Value: partition}},
	}}})
}

// rowTerm is the annotation of an error that tells what became of each row, where the request asked for it: an elastic
// table writes the rows that it can.
const rowTerm = "Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails"

const rowDetails = `odata.include-annotations="` + rowTerm + `"`

// writtenRows reads from the body of an error which of n rows were written all the same; nil where it does not tell.
func writtenRows(body []byte, n int) []bool {
	if !bytes.Contains(body, []byte(rowTerm)) {
		return nil
	}
	var told struct {
		Error struct {
			Rows string `json:"@Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails"`
		} `json:"error"`
	}
	var rows []struct{ RequestIndex, StatusCode int }
	if json.Unmarshal(body, &told) != nil || json.Unmarshal([]byte(told.Error.Rows), &rows) != nil || len(rows) != n {
		return nil
	}
	written := make([]bool, n)
	seen := make([]bool, n)
	for _, r := range rows {
		if r.RequestIndex < 0 || r.RequestIndex >= n || seen[r.RequestIndex] {
			return nil
		}
		seen[r.RequestIndex] = true
		written[r.RequestIndex] = r.StatusCode >= 200 && r.StatusCode < 300
	}
	return written
}

package dataverse_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// elasticTable is the definition of an elastic table.
const elasticTable = `{"@odata.type":"Microsoft.Dynamics.CRM.EntityMetadata","SchemaName":"new_Reading","TableType":"Elastic","OwnershipType":"UserOwned",` +
	`"DisplayName":{"LocalizedLabels":[{"Label":"Reading","LanguageCode":1033}]},"DisplayCollectionName":{"LocalizedLabels":[{"Label":"Readings","LanguageCode":1033}]},` +
	`"Attributes":[{"@odata.type":"Microsoft.Dynamics.CRM.StringAttributeMetadata","SchemaName":"new_Name","IsPrimaryName":true,"MaxLength":100,` +
	`"DisplayName":{"LocalizedLabels":[{"Label":"Name","LanguageCode":1033}]}},` +
	`{"@odata.type":"Microsoft.Dynamics.CRM.IntegerAttributeMetadata","SchemaName":"new_Value","DisplayName":{"LocalizedLabels":[{"Label":"Value","LanguageCode":1033}]}}]}`

// makeElastic adds the table to an emulator.
func makeElastic(t *testing.T, road http.RoundTripper, root string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, root+"/api/data/v9.2/EntityDefinitions", strings.NewReader(elasticTable))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := road.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if _ = answer.Body.Close(); answer.StatusCode != http.StatusNoContent {
		t.Fatalf("make the table: %s", answer.Status)
	}
}

// elastic is a client of an emulator with an elastic table, and one that meets no faults.
func elastic(t *testing.T, faults ...emulator.Fault) (c, calm *dataverse.Client) {
	t.Helper()
	server := emulator.Start(t, emulator.Faults(faults...))
	road := signedIn{server.Token}
	makeElastic(t, road, server.URL)
	at := func(road http.RoundTripper) *dataverse.Client {
		return open(t, dataverse.Options{URL: server.URL, Transport: road, Limits: unlimited})
	}
	return at(road), at(noFaults{road})
}

// noFaults keeps out what rules would do.
type noFaults struct{ http.RoundTripper }

func (n noFaults) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("x-emulator-fault", "latency=0s")
	return n.RoundTripper.RoundTrip(r)
}

// readings are values for n rows; partition "" is that of each row's id.
func readings(n int, partition string) []dataverse.Values {
	rows := make([]dataverse.Values, n)
	for i := range rows {
		rows[i] = dataverse.Values{"new_name": fmt.Sprint("r", i), "new_value": i}
		if partition != "" {
			rows[i]["partitionid"] = partition
		}
	}
	return rows
}

// keys are the ids of rows, with the partition where there is one.
func keys(results []dataverse.Result, partition string) []string {
	ids := make([]string, len(results))
	for i, r := range results {
		if ids[i] = r.ID; partition != "" {
			ids[i] = "new_readingid=" + r.ID + ",partitionid='" + partition + "'"
		}
	}
	return ids
}

// allDone fails unless every row has its result.
func allDone(t *testing.T, what string, results []dataverse.Result, err error) []dataverse.Result {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for i, r := range results {
		if r.Err != nil || r.ID == "" || r.Position != i {
			t.Fatalf("%s, row %d: %+v", what, i, r)
		}
	}
	return results
}

// stored are the values of all rows by id.
func stored(t *testing.T, c *dataverse.Client) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for row, err := range c.FetchRows(t.Context(), `<fetch><entity name="new_reading"><attribute name="new_readingid"/><attribute name="new_value"/></entity></fetch>`) {
		if err != nil {
			t.Fatal(err)
		}
		all[row.String("new_readingid")] = row.Number("new_value")
	}
	return all
}

func TestManyRowsOfAnElasticTableAreEachAnsweredFor(t *testing.T) {
	for _, partition := range []string{"", "d'1 & ä"} {
		c, calm := elastic(t)
		quoted := strings.ReplaceAll(partition, "'", "''")
		made, err := c.CreateMany(t.Context(), "new_reading", readings(1100, partition))
		ids := keys(allDone(t, "create", made, err), quoted)
		rows := make([]dataverse.RowValues, len(ids))
		for i, id := range ids {
			rows[i] = dataverse.RowValues{ID: id, Values: dataverse.Values{"new_value": 7}}
		}
		updated, err := c.UpdateMany(t.Context(), "new_reading", rows)
		allDone(t, "update", updated, err)
		if row, err := c.Get(t.Context(), "new_reading", ids[3], dataverse.Query{Select: []string{"new_name", "new_value"}}); err != nil || row.String("new_name") != "r3" || row.Number("new_value") != 7 {
			t.Errorf("after the update: %+v, %v", row, err)
		}
		upserted, err := c.UpsertMany(t.Context(), "new_reading", rows[:3])
		allDone(t, "upsert", upserted, err)
		if row, err := c.Get(t.Context(), "new_reading", ids[2], dataverse.Query{Select: []string{"new_name", "new_value"}}); err != nil || row.String("new_name") != "" || row.Number("new_value") != 7 {
			t.Errorf("after the upsert, which replaces: %+v, %v", row, err)
		}
		if n := len(stored(t, c)); n != 1100 {
			t.Errorf("read %d rows, want 1100", n)
		}
		read := 0
		for _, err := range c.Rows(t.Context(), "new_reading", dataverse.Query{Select: []string{"new_name"}, OrderBy: "new_value"}) {
			if err != nil {
				t.Fatal(err)
			}
			read++
		}
		if read != 1100 {
			t.Errorf("read %d rows in order, want 1100", read)
		}
		gone := append([]string{otherID}, ids[:1050]...)
		deleted, err := c.DeleteMany(t.Context(), "new_reading", gone)
		if err != nil || deleted[0].Err == nil || deleted[0].Err.Kind != dataverse.NotFound || deleted[0].Err.InDoubt {
			t.Fatalf("delete: %+v, %v", deleted[0], err)
		}
		deleted[0] = dataverse.Result{ID: otherID}
		allDone(t, "delete", deleted, err)
		if n := len(stored(t, calm)); n != 50 {
			t.Errorf("%d rows are left, want 50", n)
		}
	}
}

func TestARowOfAnElasticTableIsChangedAndDeletedByItsKey(t *testing.T) {
	c, _ := elastic(t)
	id := create(t, c, "new_reading", dataverse.Values{"new_name": "A", "partitionid": "d1"})
	key := "new_readingid=" + id + ",partitionid='d1'"
	updated, err := c.Update(t.Context(), "new_reading", key, dataverse.Values{"new_value": 1})
	if err != nil || updated.ID != id || !strings.HasPrefix(updated.ETag, `W/"`) {
		t.Fatalf("update: %+v, %v", updated, err)
	}
	if _, err := c.Update(t.Context(), "new_reading", key, dataverse.Values{"new_value": 2}, dataverse.IfMatch(updated.ETag)); err != nil {
		t.Errorf("update of the version it has: %v", err)
	}
	if _, err := c.Update(t.Context(), "new_reading", key, dataverse.Values{"new_value": 3}, dataverse.IfMatch(updated.ETag)); dataverse.KindOf(err) != dataverse.Conflict {
		t.Errorf("update of an old version: got %v, want a conflict", err)
	}
	if named, err := c.Update(t.Context(), "new_reading", id, dataverse.Values{"new_value": 4, "partitionid": "d1"}); err != nil || named.ID != id {
		t.Errorf("update by id, with the partition among the values: %+v, %v", named, err)
	}
	if _, err := c.Update(t.Context(), "new_reading", key, dataverse.Values{"partitionid": "d2"}); dataverse.KindOf(err) != dataverse.Invalid {
		t.Errorf("update of the partition: got %v, want it refused", err)
	}
	if err := c.Delete(t.Context(), "new_reading", id); dataverse.KindOf(err) != dataverse.NotFound {
		t.Errorf("delete in the wrong partition: got %v, want that it is not found", err)
	}
	ops := []dataverse.Operation{{Action: dataverse.CreateRow, Table: "new_reading", Values: dataverse.Values{"new_name": "B"}},
		{Action: dataverse.DeleteRow, Table: "new_reading", ID: key}}
	if _, err := c.Batch(t.Context(), ops, dataverse.BatchOptions{Atomic: true}); dataverse.KindOf(err) != dataverse.Invalid {
		t.Errorf("all or none: got %v, want it refused", err)
	}
	if n := len(stored(t, c)); n != 1 {
		t.Errorf("%d rows after what was refused, want one", n)
	}
	results, err := c.Batch(t.Context(), ops, dataverse.BatchOptions{})
	allDone(t, "batch", results, err)
}

func TestALostAnswerMakesNoRowOfAnElasticTableTwiceAndLosesNone(t *testing.T) {
	for _, partition := range []string{"", "d1"} {
		for name, fault := range map[string]emulator.Fault{
			"lost": {Fault: "break=after", Method: "POST", Path: `Multiple|\$batch|new_readings$`, Share: 0.3},
			"half": {Fault: "break=midway", Method: "POST", Path: `Multiple|\$batch|new_readings$`, Share: 0.3},
		} {
			t.Run(name+" "+partition, func(t *testing.T) {
				t.Parallel() // waiting is what takes time here
				c, calm := elastic(t, fault)
				made, err := c.CreateMany(t.Context(), "new_reading", readings(500, partition))
				allDone(t, "create", made, err)
				for i, v := range readings(5, partition) {
					if _, err := c.Create(t.Context(), "new_reading", v); err != nil {
						t.Errorf("create of row %d: %v", i, err)
					}
				}
				rows := stored(t, calm)
				if len(rows) != 505 {
					t.Errorf("%d rows, want 505", len(rows))
				}
				deleted, err := c.DeleteMany(t.Context(), "new_reading", keys(made, partition))
				if err != nil {
					t.Fatal(err)
				}
				for i, r := range deleted {
					if r.Err != nil {
						t.Errorf("delete of row %d: %v", i, r.Err)
					}
				}
				if rows := stored(t, calm); len(rows) != 5 {
					t.Errorf("%d rows are left, want 5", len(rows))
				}
			})
		}
	}
}

func TestABadRowOfAnElasticTableKeepsNoOtherAway(t *testing.T) {
	c, calm := elastic(t)
	standing := create(t, c, "new_reading", dataverse.Values{"new_name": "A"})
	rows := readings(150, "")
	rows[40]["new_readingid"] = standing
	results, err := c.CreateMany(t.Context(), "new_reading", rows)
	if err != nil || results[40].Err == nil || results[40].Err.Kind != dataverse.Conflict || results[40].Err.InDoubt {
		t.Fatalf("the row that is there already: %+v, %v", results[40], err)
	}
	results[40] = dataverse.Result{Position: 40, ID: standing}
	allDone(t, "create", results, err)
	if n := len(stored(t, calm)); n != 150 {
		t.Errorf("%d rows, want 150", n)
	}
}

// withoutDetails is a service that does not tell what became of each row.
type withoutDetails struct{ http.RoundTripper }

func (w withoutDetails) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if strings.Contains(r.URL.Path, "Multiple") {
		r.Header.Del("Prefer")
	}
	return w.RoundTripper.RoundTrip(r)
}

func TestDeletesFromAnElasticTableNeedNoDetailsOfRows(t *testing.T) {
	server := emulator.Start(t)
	road := signedIn{server.Token}
	makeElastic(t, road, server.URL)
	c := open(t, dataverse.Options{URL: server.URL, Transport: withoutDetails{road}, Limits: unlimited})
	made, err := c.CreateMany(t.Context(), "new_reading", readings(120, ""))
	ids := keys(allDone(t, "create", made, err), "")
	ids[7] = otherID
	results, err := c.DeleteMany(t.Context(), "new_reading", ids)
	allDone(t, "delete", results, err) // a row that is not there may have been deleted by the first request
	if n := len(stored(t, c)); n != 1 {
		t.Errorf("%d rows are left, want one", n)
	}
}

// bulkOnly refuses all writes but those by messages for many rows.
type bulkOnly struct{ http.RoundTripper }

func (b bulkOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet && !strings.Contains(r.URL.Path, "Multiple") {
		return nil, fmt.Errorf("%s %s", r.Method, r.URL.Path)
	}
	return b.RoundTripper.RoundTrip(r)
}

func TestCreateManyAndDeleteManyTakeTheMessagesOfAnElasticTable(t *testing.T) {
	server := emulator.Start(t)
	road := signedIn{server.Token}
	makeElastic(t, road, server.URL)
	c := open(t, dataverse.Options{URL: server.URL, Transport: bulkOnly{road}, Limits: unlimited})
	made, err := c.CreateMany(t.Context(), "new_reading", readings(250, "d1"))
	deleted, failed := c.DeleteMany(t.Context(), "new_reading", keys(allDone(t, "create", made, err), "d1"))
	allDone(t, "delete", deleted, failed)
	if n := len(stored(t, c)); n != 0 {
		t.Errorf("%d rows are left, want none", n)
	}
}

func TestDeleteManyTakesABatchWhereTheTableHasNoMessageForIt(t *testing.T) {
	c := emulated(t)
	made := createMany(t, c, named(450))
	ids := []string{"accountnumber='A1'", otherID}
	for _, r := range made {
		ids = append(ids, r.ID)
	}
	ids = append(ids, ids[2])
	results, err := c.DeleteMany(t.Context(), "account", ids)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		missing := i < 2 || i == len(ids)-1
		if (r.Err != nil) != missing || missing && r.Err.Kind != dataverse.NotFound || r.Position != i {
			t.Errorf("row %d: %+v", i, r)
		}
	}
	exactly(t, c, 0)
}

// misled is a service whose details of rows cannot be right.
type misled struct {
	http.RoundTripper
	from, to string
}

func (m misled) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := m.RoundTripper.RoundTrip(r)
	if err != nil || !strings.Contains(r.URL.Path, "Multiple") {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body = io.NopCloser(strings.NewReader(strings.ReplaceAll(string(body), m.from, m.to)))
	answer.ContentLength = -1
	return answer, err
}

func TestDetailsOfRowsThatCannotBeRightAreNotBelieved(t *testing.T) {
	server := emulator.Start(t)
	road := signedIn{server.Token}
	makeElastic(t, road, server.URL)
	for from, to := range map[string]string{`\"RequestIndex\":1,`: `\"RequestIndex\":0,`, `\"RequestIndex\":2,`: `\"RequestIndex\":-7,`, `\"StatusCode\":`: `\"StatusCode\":}`} {
		c := open(t, dataverse.Options{URL: server.URL, Transport: misled{road, from, to}, Limits: unlimited})
		rows := readings(3, "")
		rows[1]["new_readingid"] = create(t, c, "new_reading", dataverse.Values{"new_name": "A"})
		results, err := c.CreateMany(t.Context(), "new_reading", rows)
		if err != nil || results[0].Err != nil || results[1].Err == nil || results[2].Err != nil || results[1].Err.Kind != dataverse.Conflict {
			t.Errorf("%s: got %+v, %v", to, results, err)
		}
	}
}

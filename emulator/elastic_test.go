package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// sensorData is the documented example of an elastic table.
var sensorData = `{"@odata.type":"Microsoft.Dynamics.CRM.EntityMetadata","CanCreateCharts":{"Value":false,"CanBeChanged":false},` +
	`"DisplayName":` + text("Sensor Data") + `,"DisplayCollectionName":` + text("Sensor Data") + `,"HasActivities":false,"HasNotes":false,` +
	`"IsActivity":false,"OwnershipType":"UserOwned","SchemaName":"contoso_SensorData","TableType":"Elastic","Attributes":[` +
	newColumn("String", "contoso_SensorType", `,"IsPrimaryName":true,"MaxLength":100`) + `,` + newColumn("String", "contoso_DeviceId", `,"MaxLength":1000`) + `,` +
	newColumn("Integer", "contoso_Value", `,"MaxValue":2147483647,"MinValue":-2147483648,"Format":"None"`) + `,` +
	newColumn("String", "contoso_EnergyConsumption", `,"MaxLength":1000,"FormatName":{"Value":"Json"}`) + `]}`

// elastic starts an emulator with the table of sensor data.
func elastic(t *testing.T, options ...emulator.Option) *emulator.Server {
	t.Helper()
	s := emulator.Start(t, options...)
	mustSend(t, s, "POST", "EntityDefinitions", sensorData)
	return s
}

func sensor(id, partition string) string {
	return "contoso_sensordatas(contoso_sensordataid=" + id + ",partitionid='" + partition + "')"
}

// object reads a row.
func object(t *testing.T, r reply) map[string]any {
	t.Helper()
	var row map[string]any
	if err := json.Unmarshal([]byte(r.body), &row); err != nil || r.status != http.StatusOK {
		t.Fatalf("status %d, %v: %s", r.status, err, r.body)
	}
	return row
}

func TestAnElasticTableHasPartitionsTimeToLiveAndOneKey(t *testing.T) {
	s := elastic(t)
	const table = "EntityDefinitions(LogicalName='contoso_sensordata')"
	got := object(t, get(t, s, table+"?$select=TableType&$expand=Attributes($select=LogicalName),Keys($select=LogicalName,SchemaName,KeyAttributes)"))
	if got["TableType"] != "Elastic" {
		t.Errorf("TableType: got %v", got["TableType"])
	}
	columns := fmt.Sprint(got["Attributes"])
	for name, want := range map[string]bool{"partitionid": true, "ttlinseconds": true, "versionnumber": true, "ownerid": true, "statecode": false, "statuscode": false} {
		if strings.Contains(columns, "LogicalName:"+name+"]") != want && strings.Contains(columns, "LogicalName:"+name+" ") != want {
			t.Errorf("column %s: want %v in %s", name, want, columns)
		}
	}
	if keys := fmt.Sprint(got["Keys"]); !strings.Contains(keys, "KeyForNoSqlEntityWithPKPartitionId") || !strings.Contains(keys, "[contoso_sensordataid partitionid]") {
		t.Errorf("Keys: got %s", keys)
	}
	if got := object(t, get(t, s, "EntityDefinitions(LogicalName='account')?$select=TableType")); got["TableType"] != "Standard" {
		t.Errorf("TableType of accounts: got %v", got["TableType"])
	}
	for name, r := range map[string]reply{
		"money":        send(t, s, "POST", table+"/Attributes", newColumn("Money", "contoso_Price", "")),
		"a key":        send(t, s, "POST", table+"/Keys", `{"SchemaName":"contoso_k","DisplayName":`+text("K")+`,"KeyAttributes":["contoso_deviceid"]}`),
		"without keys": send(t, s, "DELETE", table+"/Keys(LogicalName='keyfornosqlentitywithpkpartitionid')", ""),
		"an activity":  send(t, s, "POST", "EntityDefinitions", strings.NewReplacer("contoso_SensorData", "contoso_Call", `"IsActivity":false`, `"IsActivity":true`, "contoso_SensorType", "Subject").Replace(sensorData)),
		"another type": send(t, s, "POST", "EntityDefinitions", strings.NewReplacer("contoso_SensorData", "contoso_Other", `"Elastic"`, `"Rubber"`).Replace(sensorData)),
		"many-to-many": send(t, s, "POST", "RelationshipDefinitions", `{"@odata.type":"Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata","SchemaName":"contoso_m","Entity1LogicalName":"account","Entity2LogicalName":"contoso_sensordata"}`),
	} {
		if r.status != http.StatusBadRequest {
			t.Errorf("%s: got %d %s, want 400", name, r.status, r.body)
		}
	}
	mustSend(t, s, "DELETE", table, "")
}

func TestARowOfAnElasticTableIsFoundInItsPartition(t *testing.T) {
	s := elastic(t)
	created := mustSend(t, s, "POST", "contoso_sensordatas", `{"contoso_sensordataid":"`+one+`","contoso_value":40,"partitionid":"Device-1"}`)
	if got := strings.TrimPrefix(created.header.Get("OData-EntityId"), s.URL+"/api/data/v9.2/"); got != "contoso_sensordatas("+one+")" {
		t.Errorf("OData-EntityId: got %s", got)
	}
	mustSend(t, s, "POST", "contoso_sensordatas", `{"contoso_sensordataid":"`+two+`","contoso_value":50}`)
	for path, want := range map[string]int{
		sensor(one, "Device-1"): 200,
		sensor(one, "device-1"): 404,
		"contoso_sensordatas(contoso_sensordataid=" + one + ",partitionId='Device-1')": 200,
		"contoso_sensordatas(" + one + ")?partitionId=Device-1":                        200,
		"contoso_sensordatas(" + one + ")?partitionId='Device-1'":                      200,
		"contoso_sensordatas(" + one + ")?partitionId='Device-2'":                      404,
		"contoso_sensordatas(" + one + ")":                                             404,
		"contoso_sensordatas(" + two + ")":                                             200, // its partition is its id
		sensor(two, two):                                                               200,
	} {
		if r := get(t, s, path); r.status != want {
			t.Errorf("%s: got %d %s, want %d", path, r.status, r.body, want)
		}
	}
	for path, want := range map[string]int{"contoso_sensordatas": 2, "contoso_sensordatas?partitionId='Device-1'": 1, "contoso_sensordatas?$filter=partitionid eq '" + two + "'": 1} {
		if rows := values(t, get(t, s, strings.ReplaceAll(path, " ", "%20"))); len(rows) != want {
			t.Errorf("%s: got %d rows, want %d", path, len(rows), want)
		}
	}
	for request, want := range map[string]int{
		"PATCH " + sensor(one, "Device-2"):                              404,
		"PATCH contoso_sensordatas(" + one + ")?partitionId='Device-1'": 404, // heeded by GET and DELETE alone
		"PATCH " + sensor(one, "Device-1"):                              204,
		"DELETE contoso_sensordatas(" + one + ")":                       404,
	} {
		method, path, _ := strings.Cut(request, " ")
		if r := send(t, s, method, path, `{"contoso_value":41,"partitionid":null}`, "If-Match: *"); r.status != want {
			t.Errorf("%s: got %d %s, want %d", request, r.status, r.body, want)
		}
	}
	if row := object(t, get(t, s, sensor(one, "Device-1"))); row["contoso_value"] != 41.0 || row["partitionid"] != "Device-1" {
		t.Errorf("got %v", row)
	}
	mustSend(t, s, "DELETE", "contoso_sensordatas("+one+")?partitionId='Device-1'", "")
	if r := get(t, s, sensor(one, "Device-1")); r.status != http.StatusNotFound {
		t.Errorf("a deleted row: got %d", r.status)
	}
}

func TestAnElasticRowTellsVersionsAsCosmosDoes(t *testing.T) {
	s := elastic(t, emulator.At(noon))
	mustSend(t, s, "POST", "contoso_sensordatas", `{"contoso_sensordataid":"`+one+`","contoso_value":40}`)
	r := get(t, s, "contoso_sensordatas("+one+")?$select=contoso_value")
	row := object(t, r)
	etag, _ := row["@odata.etag"].(string)
	if !regexp.MustCompile(`^W/"[0-9a-f]{8}-0000-0200-0000-69a57bc00000"$`).MatchString(etag) || r.header.Get("ETag") != etag {
		t.Errorf("etag: got %s and %s", etag, r.header.Get("ETag"))
	}
	names := slices.DeleteFunc(slices.Sorted(func(yield func(string) bool) {
		for name := range row {
			if !yield(name) {
				return
			}
		}
	}), func(name string) bool { return strings.HasPrefix(name, "@") })
	if diff := cmp.Diff([]string{"_ownerid_value", "_owningbusinessunit_value", "contoso_sensordataid", "contoso_value", "partitionid", "versionnumber"}, names); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
	if !strings.Contains(r.body, `"versionnumber":63908049600`) {
		t.Errorf("versionnumber: got %s", r.body)
	}
	const change = `{"contoso_value":41}`
	mustSend(t, s, "PATCH", "contoso_sensordatas("+one+")", change, "If-Match: "+etag)
	if r := send(t, s, "PATCH", "contoso_sensordatas("+one+")", change, "If-Match: "+etag); r.status != http.StatusPreconditionFailed {
		t.Errorf("an old etag: got %d %s, want 412", r.status, r.body)
	}
	if r := send(t, s, "PATCH", "contoso_sensordatas("+one+")", change, `If-Match: W/"abc"`); r.status != http.StatusBadRequest {
		t.Errorf("no etag: got %d %s, want 400", r.status, r.body)
	}
}

func TestAWriteToAnElasticTableTellsTheSession(t *testing.T) {
	s := elastic(t)
	const row = "contoso_sensordatas(" + one + ")"
	token := regexp.MustCompile(`^\d+:8#\d+#7=-1$`)
	for _, step := range []struct {
		method, path, body string
		tells              bool
	}{
		{"POST", "contoso_sensordatas", `{"contoso_sensordataid":"` + one + `"}`, true},
		{"PATCH", row, `{"contoso_value":1}`, true},
		{"PUT", row + "/contoso_value", `{"value":2}`, true},
		{"GET", row, "", false},
		{"DELETE", row, "", false},
		{"POST", "contoso_sensordatas/Microsoft.Dynamics.CRM.CreateMultiple", targets("contoso_sensordata", `"contoso_sensordataid":"`+two+`"`), true},
		{"POST", "contoso_sensordatas/Microsoft.Dynamics.CRM.DeleteMultiple", targets("contoso_sensordata", `"contoso_sensordataid":"`+two+`"`), false},
		{"POST", "accounts", `{"name":"A"}`, false},
	} {
		r := mustSend(t, s, step.method, step.path, step.body, "MSCRM.SessionToken: 240:8#144035050#7=-1")
		if got := r.header.Get("x-ms-session-token"); token.MatchString(got) != step.tells || !step.tells && got != "" {
			t.Errorf("%s %s: x-ms-session-token %q, want one: %v", step.method, step.path, got, step.tells)
		}
	}
}

func TestAnUpsertReplacesTheRowOfAnElasticTable(t *testing.T) {
	s := elastic(t)
	const whole = `"contoso_deviceid":"D","contoso_sensortype":"Humidity","contoso_value":40,"ttlinseconds":86400`
	bulkUpsert := targets("contoso_sensordata", `"contoso_sensordataid":"`+one+`","partitionid":"D","contoso_value":43`)
	for _, step := range []struct {
		method, path, body, match string
		value, device             any
	}{
		{"PATCH", "contoso_sensordatas(" + one + ")", `{"partitionid":"D",` + whole + `}`, "", 40.0, "D"}, // makes it
		{"PATCH", sensor(one, "D"), `{"contoso_value":41}`, "*", 41.0, "D"},                               // an update
		{"PATCH", sensor(one, "D"), `{"contoso_value":42}`, "", 42.0, nil},
		{"PATCH", sensor(one, "D"), `{` + whole + `}`, "", 40.0, "D"},
		{"POST", "contoso_sensordatas/Microsoft.Dynamics.CRM.UpsertMultiple", bulkUpsert, "", 43.0, nil},
	} {
		mustSend(t, s, step.method, step.path, step.body, "If-Match: "+step.match)
		row := object(t, get(t, s, sensor(one, "D")))
		if row["contoso_value"] != step.value || row["contoso_deviceid"] != step.device || row["_ownerid_value"] == nil {
			t.Errorf("%s %s: got %v, want value %v and device %v", step.method, step.path, row, step.value, step.device)
		}
	}
	if rows := values(t, get(t, s, "contoso_sensordatas")); len(rows) != 1 {
		t.Errorf("got %d rows, want one", len(rows))
	}
}

func TestElasticTablesAreNotJoined(t *testing.T) {
	s := elastic(t)
	mustSend(t, s, "POST", "RelationshipDefinitions", `{"@odata.type":"Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata","SchemaName":"contoso_account_sensordata",`+
		`"ReferencedEntity":"account","ReferencingEntity":"contoso_sensordata","Lookup":`+newColumn("Lookup", "contoso_Account", "")+`}`)
	account := `accounts(` + one + `)`
	mustSend(t, s, "POST", "accounts", `{"accountid":"`+one+`","name":"Contoso"}`)
	mustSend(t, s, "POST", "contoso_sensordatas", `{"contoso_sensordataid":"`+two+`","contoso_Account@odata.bind":"/`+account+`"}`)
	const link = `<fetch><entity name="%s"><attribute name="%[2]s"/><link-entity name="%[3]s" from="%[4]s" to="%[5]s" link-type="inner"/></entity></fetch>`
	for _, query := range []string{
		"contoso_sensordatas?$expand=contoso_Account($select=name)",
		"accounts?$expand=contoso_account_sensordata($select=contoso_value)",
		"contoso_sensordatas?$filter=contoso_Account/name eq 'Contoso'",
		"accounts?$filter=contoso_account_sensordata/any(d:d/contoso_value gt 1)",
		"contoso_sensordatas?fetchXml=" + url.QueryEscape(fmt.Sprintf(link, "contoso_sensordata", "contoso_value", "account", "accountid", "contoso_account")),
		"accounts?fetchXml=" + url.QueryEscape(fmt.Sprintf(link, "account", "name", "contoso_sensordata", "contoso_account", "accountid")),
	} {
		r := get(t, s, strings.ReplaceAll(query, " ", "%20"))
		if want := failure("0x80048d0b", "Link entities are not supported"); r.status != http.StatusBadRequest || r.body != want {
			t.Errorf("%s: got %d %s, want %s", query, r.status, r.body, want)
		}
	}
	if row := object(t, get(t, s, "contoso_sensordatas("+two+")?$expand=contoso_Account($select=name)")); fmt.Sprint(row["contoso_Account"]) == "<nil>" {
		t.Errorf("one row with what it refers to: got %v", row)
	}
	if row := object(t, get(t, s, account+"?$expand=contoso_account_sensordata($select=contoso_value)")); len(row["contoso_account_sensordata"].([]any)) != 1 {
		t.Errorf("one row with those that refer to it: got %v", row)
	}
	if r := send(t, s, "DELETE", account, ""); r.status != http.StatusNoContent { // nothing cascades
		t.Errorf("delete: %d %s", r.status, r.body)
	}
}

func TestAnElasticTableHasFiveHundredRowsOnAPage(t *testing.T) {
	s := elastic(t)
	rows := make([]string, 601)
	for i := range rows {
		rows[i] = fmt.Sprintf(`"contoso_value":%d`, i)
	}
	mustSend(t, s, "POST", "contoso_sensordatas/Microsoft.Dynamics.CRM.CreateMultiple", targets("contoso_sensordata", rows...))
	for path, want := range map[string]int{
		"contoso_sensordatas":          500,
		"contoso_sensordatas?$top=501": 500,
		"contoso_sensordatas?fetchXml=" + url.QueryEscape(`<fetch><entity name="contoso_sensordata"><attribute name="contoso_value"/></entity></fetch>`): 500,
	} {
		r := send(t, s, "GET", path, "", "Prefer: odata.maxpagesize=1000")
		if got := values(t, r); len(got) != want {
			t.Errorf("%s: got %d rows, want %d", path, len(got), want)
		}
	}
	var first struct {
		Next string `json:"@odata.nextLink"`
	}
	if err := json.Unmarshal([]byte(get(t, s, "contoso_sensordatas?$select=contoso_value").body), &first); err != nil {
		t.Fatal(err)
	}
	if got := values(t, get(t, s, strings.TrimPrefix(first.Next, "http://org"))); len(got) != 101 {
		t.Errorf("second page: got %d rows, want 101", len(got))
	}
}

func TestEachRowOfABulkMessageStandsForItselfInAnElasticTable(t *testing.T) {
	s := elastic(t)
	message := func(name string, rows ...string) reply {
		return send(t, s, "POST", "contoso_sensordatas/Microsoft.Dynamics.CRM."+name, targets("contoso_sensordata", rows...), `Prefer: odata.include-annotations="*"`)
	}
	id := func(id string) string { return `"contoso_sensordataid":"` + id + `"` }
	details := func(r reply) string {
		var body struct {
			Error map[string]string
		}
		if err := json.Unmarshal([]byte(r.body), &body); err != nil {
			t.Fatal(err)
		}
		return body.Error["@Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails"]
	}
	told := func(statuses ...any) string {
		return fmt.Sprintf(`[{"RequestIndex":0,"Id":"`+one+`","StatusCode":%d},{"RequestIndex":1,"Id":"`+two+`","StatusCode":%d},{"RequestIndex":2,"Id":"`+three+`","StatusCode":%d}]`, statuses...)
	}
	mustSend(t, s, "POST", "contoso_sensordatas", `{`+id(two)+`}`)
	for _, step := range []struct {
		name, rest string
		status     int
		told       string
		left       int
	}{
		{"CreateMultiple", "", 412, told(201, 412, 201), 3},
		{"UpdateMultiple", `,"contoso_value":7`, 204, "", 3},
		{"UpdateMultiple", `,"contoso_value":"x"`, 400, told(400, 400, 400), 3},
		{"UpsertMultiple", `,"contoso_value":8`, 204, "", 3},
		{"DeleteMultiple", "", 204, "", 0},
		{"DeleteMultiple", "", 404, told(404, 404, 404), 0},
		{"UpdateMultiple", `,"contoso_value":7`, 404, told(404, 404, 404), 0},
	} {
		r := message(step.name, id(one)+step.rest, id(two)+step.rest, id(three)+step.rest)
		got := ""
		if r.status >= 400 {
			got = details(r)
		}
		if r.status != step.status || got != step.told {
			t.Errorf("%s: got %d %s, want %d %s", step.name, r.status, r.body, step.status, step.told)
		}
		if rows := values(t, get(t, s, "contoso_sensordatas")); len(rows) != step.left {
			t.Errorf("after %s: %d rows, want %d", step.name, len(rows), step.left)
		}
	}
	r := send(t, s, "POST", "contoso_sensordatas/Microsoft.Dynamics.CRM.DeleteMultiple", targets("contoso_sensordata", id(one)))
	if strings.Contains(r.body, "BulkApiErrorDetails") {
		t.Errorf("details that nobody asked for: %s", r.body)
	}
	if r := bulk(t, s, "DeleteMultiple", targets("account", `"accountid":"`+one+`"`)); !strings.Contains(r.body, "DeleteMultiple has not yet been implemented.") {
		t.Errorf("a standard table: got %s", r.body)
	}
	for table, want := range map[string]int{"contoso_sensordata": 1, "account": 0} {
		query := "sdkmessagefilters?$filter=sdkmessageid/name%20eq%20'DeleteMultiple'%20and%20primaryobjecttypecode%20eq%20'" + table + "'"
		if rows := values(t, get(t, s, query)); len(rows) != want {
			t.Errorf("DeleteMultiple of %s: %d message filters, want %d", table, len(rows), want)
		}
	}
}

func TestAChangeSetTakesNothingBackFromAnElasticTable(t *testing.T) {
	s := elastic(t)
	sensors, accounts := "POST /api/data/v9.2/contoso_sensordatas\n", "POST /api/data/v9.2/accounts\n"
	r := send(t, s, "POST", "$batch", changeSet(sensors+`{"contoso_sensordataid":"`+one+`"}`, accounts+`{"name":"A"}`,
		sensors+`{"contoso_sensordataid":"`+two+`"}`, accounts+`{"colour":"red"}`, sensors+`{"contoso_sensordataid":"`+three+`"}`), "Content-Type: multipart/mixed; boundary=b")
	if r.status != http.StatusBadRequest {
		t.Errorf("got %d %s, want 400", r.status, r.body)
	}
	if rows := values(t, get(t, s, "contoso_sensordatas")); len(rows) != 2 {
		t.Errorf("%d rows of the elastic table, want the two before the failure", len(rows))
	}
	if rows := values(t, get(t, s, "accounts")); len(rows) != 0 {
		t.Errorf("%d accounts, want none", len(rows))
	}
}

func TestAnElasticTableOutlivesARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "db")
	for start := range 2 {
		e, err := emulator.New(t.Context(), emulator.Options{DB: file, Empty: true, Now: func() time.Time { return noon.Add(time.Duration(start) * time.Hour) }})
		if err != nil {
			t.Fatal(err)
		}
		s := serving(t, e)
		if start == 0 {
			mustSend(t, s, "POST", "EntityDefinitions", sensorData)
			mustSend(t, s, "POST", "contoso_sensordatas", `{"contoso_sensordataid":"`+one+`","partitionid":"D","ttlinseconds":3601}`)
			mustSend(t, s, "POST", "contoso_sensordatas", `{"contoso_sensordataid":"`+two+`","partitionid":"D","ttlinseconds":3600}`)
		}
		if rows := values(t, get(t, s, "contoso_sensordatas?partitionId=D")); len(rows) != 2-start {
			t.Errorf("start %d: %d rows, want %d", start, len(rows), 2-start)
		}
		if r := get(t, s, "contoso_sensordatas("+one+")"); r.status != http.StatusNotFound {
			t.Errorf("start %d: a row without its partition: %d", start, r.status)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRowsOfAnElasticTableExpireAfterTheirTimeToLive(t *testing.T) {
	now := noon
	s := elastic(t, emulator.Clock(func() time.Time { return now }))
	mustSend(t, s, "POST", "contoso_sensordatas", `{"contoso_sensordataid":"`+one+`","ttlinseconds":60}`)
	mustSend(t, s, "POST", "contoso_sensordatas", `{"contoso_sensordataid":"`+two+`"}`)
	for _, step := range []struct {
		after  time.Duration
		change bool
		left   int
	}{{59 * time.Second, true, 2}, {59 * time.Second, false, 2}, {time.Second, false, 1}, {8760 * time.Hour, false, 1}} {
		now = now.Add(step.after)
		if rows := values(t, get(t, s, "contoso_sensordatas")); len(rows) != step.left {
			t.Errorf("%v later: %d rows, want %d", step.after, len(rows), step.left)
		}
		if step.change { // its time begins anew
			mustSend(t, s, "PATCH", "contoso_sensordatas("+one+")", `{"contoso_value":1}`, "If-Match: *")
		}
	}
	if r := get(t, s, "contoso_sensordatas("+one+")"); r.status != http.StatusNotFound {
		t.Errorf("a row that has expired: got %d %s", r.status, r.body)
	}
}

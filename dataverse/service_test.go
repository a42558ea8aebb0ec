package dataverse_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// service answers as Dataverse does: its metadata describes account, contact, task and systemuser; everything else is
// for the test's own handler.
type service struct {
	rows    http.HandlerFunc
	changes http.HandlerFunc // RetrieveMetadataChanges; nil where the environment has no such message

	mu   sync.Mutex
	seen []sent // requests that are not about metadata
	meta int    // requests that are
	// strong counts those of them that want no answer from memory.
	strong int
}

// sent is a request as it arrived.
type sent struct {
	Method, Path, Query, Body string
	Header                    http.Header
}

const root = "/api/data/v9.2/"

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, root)
	w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
	w.Header().Set("REQ_ID", "8c1d6f9e-5a0c-4a7e-9d7e-0f7c0d2f1a11")
	if strings.HasPrefix(path, "EntityDefinitions") {
		s.mu.Lock()
		s.meta++
		if r.Header.Get("Consistency") == "Strong" {
			s.strong++
		}
		s.mu.Unlock()
		answerMetadata(w, path)
		return
	}
	if strings.HasPrefix(path, "RetrieveMetadataChanges(") {
		if s.changes != nil {
			s.changes(w, r)
			return
		}
		always(http.StatusNotFound, `{"error":{"code":"0x8006088a","message":"Resource not found for the segment 'RetrieveMetadataChanges'."}}`)(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	s.mu.Lock()
	s.seen = append(s.seen, sent{r.Method, path, r.URL.RawQuery, string(body), r.Header.Clone()})
	s.mu.Unlock()
	if s.rows == nil {
		http.Error(w, `{"error":{"code":"0x8006088a","message":"Resource not found for the segment."}}`, http.StatusNotFound)
		return
	}
	s.rows(w, r)
}

func (s *service) requests() []sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func (s *service) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = nil
}

// last is the newest request about rows.
func (s *service) last(t *testing.T) sent {
	t.Helper()
	all := s.requests()
	if len(all) == 0 {
		t.Fatal("no request about rows was sent")
	}
	return all[len(all)-1]
}

// start serves s on a port of its own.
func start(tb testing.TB, s *service) *dataverse.Client {
	tb.Helper()
	server := httptest.NewServer(s)
	tb.Cleanup(server.Close)
	return open(tb, dataverse.Options{URL: server.URL, Limits: unlimited})
}

// unlimited is for benchmarks, and for tests that are about something else.
var unlimited = dataverse.Limits{Requests: 1 << 30}

func open(tb testing.TB, o dataverse.Options) *dataverse.Client {
	tb.Helper()
	c, err := dataverse.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// inProcess is a transport that calls a handler: without sockets, so that synctest can move the clock.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

// always answers every request in the same way.
func always(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const (
	accountID = "4026be43-6b69-e111-8f65-78e7d1620f5e"
	contactID = "a3e8f7d1-0c2b-4f7e-8f0a-2b4c6d8e0f12"
)

func answerMetadata(w http.ResponseWriter, path string) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(path, "EntityDefinitions"), "/")
	if name == "" {
		writeJSON(w, object{"value": slices.Collect(maps.Values(tables))})
		return
	}
	t, ok := tables[strings.Trim(strings.TrimPrefix(name, "(LogicalName="), "')")]
	switch {
	case !ok:
		http.Error(w, `{"error":{"code":"0x80040217","message":"not there"}}`, http.StatusNotFound)
	case rest == "":
		writeJSON(w, t)
	default:
		kind := strings.TrimSuffix(strings.TrimPrefix(rest, "Attributes/Microsoft.Dynamics.CRM."), "AttributeMetadata")
		list := []object{}
		for _, a := range t["Attributes"].([]object) {
			if a["AttributeTypeName"].(object)["Value"] == kind+"Type" {
				list = append(list, a)
			}
		}
		writeJSON(w, object{"value": list})
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

type object = map[string]any

// metadataID is the id of a table or of a table.column.
func metadataID(name string) string { return uuid.NewSHA1(uuid.Nil, []byte(name)).String() }

func label(text string) object {
	return object{"UserLocalizedLabel": object{"Label": text, "LanguageCode": 1033}}
}

func table(logical, schema, set, display, plural, id, name string, more object, columns ...object) object {
	t := object{
		"LogicalName": logical, "SchemaName": schema, "EntitySetName": set, "PrimaryIdAttribute": id,
		"PrimaryNameAttribute": name, "OwnershipType": "UserOwned", "TableType": "Standard",
		"DisplayName": label(display), "DisplayCollectionName": label(plural), "Attributes": columns, "MetadataId": metadataID(logical),
	}
	for _, c := range columns {
		c["MetadataId"] = metadataID(logical + "." + c["LogicalName"].(string))
	}
	maps.Copy(t, more)
	return t
}

// column has the flags in words: c may be set on create, u on update.
func column(name, kind, display, flags string, more ...any) object {
	a := object{
		"LogicalName": name, "AttributeType": kind, "AttributeTypeName": object{"Value": kind + "Type"},
		"DisplayName": label(display), "IsValidForRead": true, "RequiredLevel": object{"Value": "None"},
		"IsValidForCreate": strings.Contains(flags, "c"), "IsValidForUpdate": strings.Contains(flags, "u"),
	}
	for i := 0; i < len(more); i += 2 {
		a[more[i].(string)] = more[i+1]
	}
	return a
}

func options(list ...any) object {
	var out []object
	for i := 0; i < len(list); i += 2 {
		out = append(out, object{"Value": list[i], "Label": label(list[i+1].(string))})
	}
	return object{"Options": out}
}

func lookup(schema, from, column, nav, to, toColumn, back string) object {
	return object{
		"SchemaName": schema, "ReferencingEntity": from, "ReferencingAttribute": column,
		"ReferencingEntityNavigationPropertyName": nav, "ReferencedEntity": to, "ReferencedAttribute": toColumn,
		"ReferencedEntityNavigationPropertyName": back,
	}
}

var tables = map[string]object{
	"account": table("account", "Account", "accounts", "Account", "Accounts", "accountid", "name",
		object{
			"ChangeTrackingEnabled": true,
			"Keys":                  []object{{"SchemaName": "ByNumber", "KeyAttributes": []string{"accountnumber"}, "EntityKeyIndexStatus": "Active"}},
			"ManyToOneRelationships": []object{
				lookup("account_primary_contact", "account", "primarycontactid", "primarycontactid", "contact", "contactid", "account_primary_contact"),
				lookup("owner_accounts", "account", "ownerid", "ownerid", "owner", "ownerid", "owner_accounts"),
			},
			"OneToManyRelationships": []object{
				lookup("contact_customer_accounts", "contact", "parentcustomerid", "parentcustomerid_account", "account", "accountid", "contact_customer_accounts"),
				lookup("Account_Tasks", "task", "regardingobjectid", "regardingobjectid_account_task", "account", "accountid", "Account_Tasks"),
			},
		},
		column("accountid", "Uniqueidentifier", "Account", "c"),
		column("accountnumber", "String", "Account Number", "cu", "MaxLength", 20),
		column("createdon", "DateTime", "Created On", "", "DateTimeBehavior", object{"Value": "UserLocal"}),
		column("creditonhold", "Boolean", "Credit Hold", "cu", "OptionSet",
			object{"TrueOption": object{"Value": 1, "Label": label("Yes")}, "FalseOption": object{"Value": 0, "Label": label("No")}}),
		column("description", "Memo", "Description", "cu", "MaxLength", 2000),
		column("entityimage", "Image", "Default Image", "cu"),
		column("exchangerate", "Decimal", "Exchange Rate", "", "MinValue", 0.000000000001, "MaxValue", 100000000000),
		column("industrycode", "Picklist", "Industry", "cu", "OptionSet", options(1, "Accounting", 6, "Business Services", 7, "Consulting")),
		column("lastonholdtime", "DateTime", "Last On Hold Time", "cu", "DateTimeBehavior", object{"Value": "UserLocal"}),
		column("name", "String", "Account Name", "cu", "MaxLength", 160, "RequiredLevel", object{"Value": "ApplicationRequired"}),
		column("new_colors", "MultiSelectPicklist", "Colors", "cu", "GlobalOptionSet", options(1, "Red", 2, "Green", 3, "Blue")),
		column("new_founded", "DateTime", "Founded", "cu", "DateTimeBehavior", object{"Value": "DateOnly"}, "Format", "DateOnly"),
		column("numberofemployees", "Integer", "Number of Employees", "cu", "MinValue", 0, "MaxValue", 1000000000),
		column("ownerid", "Owner", "Owner", "cu", "Targets", []string{"systemuser", "team"}),
		column("primarycontactid", "Lookup", "Primary Contact", "cu", "Targets", []string{"contact"}),
		column("primarycontactidname", "String", "", "", "AttributeOf", "primarycontactid"),
		column("revenue", "Money", "Annual Revenue", "cu", "MinValue", 0, "MaxValue", 100000000000000, "Precision", 2),
		column("statecode", "State", "Status", "u", "OptionSet", options(0, "Active", 1, "Inactive")),
		column("statuscode", "Status", "Status Reason", "cu", "OptionSet", options(1, "Active", 2, "Inactive")),
		column("telephone1", "String", "Main Phone", "cu", "MaxLength", 50),
		column("versionnumber", "BigInt", "Version Number", ""),
	),
	"contact": table("contact", "Contact", "contacts", "Contact", "Contacts", "contactid", "fullname",
		object{"ManyToOneRelationships": []object{
			lookup("contact_customer_accounts", "contact", "parentcustomerid", "parentcustomerid_account", "account", "accountid", "contact_customer_accounts"),
			lookup("contact_customer_contacts", "contact", "parentcustomerid", "parentcustomerid_contact", "contact", "contactid", "contact_customer_contacts"),
		}},
		column("contactid", "Uniqueidentifier", "Contact", "c"),
		column("fullname", "String", "Full Name", ""),
		column("lastname", "String", "Last Name", "cu", "MaxLength", 50),
		column("parentcustomerid", "Customer", "Company Name", "cu", "Targets", []string{"account", "contact"}),
	),
	"task": table("task", "Task", "tasks", "Task", "Tasks", "activityid", "subject", nil,
		column("activityid", "Uniqueidentifier", "Task", "c"),
		column("subject", "String", "Subject", "cu", "MaxLength", 200),
	),
	"team": table("team", "Team", "teams", "Team", "Teams", "teamid", "name", nil,
		column("teamid", "Uniqueidentifier", "Team", "c"),
	),
	"systemuser": table("systemuser", "SystemUser", "systemusers", "User", "Users", "systemuserid", "fullname", nil,
		column("systemuserid", "Uniqueidentifier", "User", "c"),
		column("fullname", "String", "Full Name", ""),
	),
}

// signedIn adds the emulator's token.
type signedIn struct{ token string }

func (s signedIn) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+s.token)
	return http.DefaultTransport.RoundTrip(r)
}

package emulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

// Whatever a client gives a message, the answer is never that the emulator is at fault.
func TestNoArgumentBreaksAMessage(t *testing.T) {
	s := start(t)
	account := add(t, s, "accounts", `{"name":"Contoso"}`)
	values := []string{
		`null`, `true`, `1`, `-1`, `99999999999`, `"x"`, `"` + account + `"`, `"account"`, `"2026-01-01T00:00:00Z"`, `[]`, `{}`, `[{}]`, `[null]`, `["account"]`,
		`{"@odata.type":"Microsoft.Dynamics.CRM.account"}`, `{"@odata.type":"#Microsoft.Dynamics.CRM.account","accountid":"` + account + `"}`,
		`{"@odata.type":7}`, `{"@odata.id":7}`, `{"@odata.id":"accounts(` + account + `)"}`, `{"@odata.id":"accounts"}`, `{"@odata.id":"accounts(accountnumber='1')"}`,
		`{"accountid":7}`, `{"activityid":null}`, `[{"EntityName":"account","Criteria":{"Conditions":[{}],"Filters":[{}]},"LinkEntities":[{}]}]`,
		`{"Principal":{"@odata.id":"systemusers(` + seed.AdministratorID + `)"},"AccessMask":"ReadAccess"}`, `{"Principal":1,"AccessMask":2}`,
		`{"opportunityid@odata.bind":"/opportunities(` + account + `)"}`, `{"incidentid":{"incidentid":"x"}}`, `{"AllColumns":1,"Columns":["nonsense"]}`,
	}
	for _, call := range emulator.Calls(t, s) {
		path := strings.ReplaceAll(call.Path, "%s", "")
		if strings.Contains(call.Path, "%s") {
			set, _, _ := strings.Cut(call.Path, "(")
			path = fmt.Sprintf(call.Path, rowOf(t, s, set))
		}
		for wrong := range call.Parameters {
			for _, value := range values {
				r := callWith(t, s, call, path, func(i int) string {
					if i == wrong {
						return value
					}
					return right(call.Kinds[i], account)
				})
				if r.status >= http.StatusInternalServerError && r.status != http.StatusNotImplemented {
					t.Errorf("%s %s with %s as %s: got %d %s", call.Method, path, value, call.Parameters[wrong], r.status, r.body)
				}
			}
		}
	}
}

// callWith calls a message with arguments, by position.
func callWith(t *testing.T, s *emulator.Server, call emulator.Call, path string, argument func(int) string) reply {
	t.Helper()
	var body, aliases []string
	query := url.Values{}
	for i, name := range call.Parameters {
		body = append(body, fmt.Sprintf("%q:%s", name, argument(i)))
		aliases = append(aliases, fmt.Sprintf("%s=@p%d", name, i))
		value := argument(i)
		if strings.HasPrefix(value, `"`) { // text stands in single quotes in a URL
			value = "'" + strings.Trim(value, `"`) + "'"
		}
		query.Set(fmt.Sprintf("@p%d", i), value)
	}
	if call.Method == http.MethodGet {
		return send(t, s, call.Method, path+"("+strings.Join(aliases, ",")+")?"+query.Encode(), "")
	}
	return send(t, s, call.Method, path, "{"+strings.Join(body, ",")+"}")
}

// right is a value of the type.
func right(kind, account string) string {
	switch {
	case strings.HasPrefix(kind, "Collection"):
		return "[]"
	case kind == "Edm.String":
		return `"contact"`
	case kind == "Edm.Boolean":
		return "false"
	case kind == "Edm.Int32":
		return "-1"
	case kind == "Edm.Guid":
		return `"` + account + `"`
	case kind == "Edm.DateTimeOffset":
		return `"2026-01-01T00:00:00Z"`
	case kind == "TargetFieldType":
		return `"All"`
	}
	return `{"@odata.type":"Microsoft.Dynamics.CRM.account","accountid":"` + account + `"}`
}

// rowOf is a row of an entity set that messages are called on.
func rowOf(t *testing.T, s *emulator.Server, set string) string {
	t.Helper()
	switch set {
	case "systemusers":
		return seed.AdministratorID
	case "teams", "queues", "roles", "duplicaterules":
		return add(t, s, set, `{"name":"x"}`)
	}
	if set == "workflows" {
		return add(t, s, set, `{"name":"x","type":1,"category":0,"primaryentity":"account"}`)
	}
	if set == "queueitems" {
		queue := add(t, s, "queues", `{"name":"x"}`)
		letter := add(t, s, "letters", `{"subject":"x"}`)
		return add(t, s, set, `{"queueid@odata.bind":"/queues(`+queue+`)","objectid_letter@odata.bind":"/letters(`+letter+`)"}`)
	}
	return add(t, s, set, `{"subject":"x"}`)
}

package tools

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// checked runs args through the checker of a tool and returns the arguments it
// hands on, or what it says of them.
func checked(t *testing.T, tool, args string) (map[string]json.RawMessage, string) {
	t.Helper()
	for _, m := range newSet(t, Options{}).mounted {
		if m.Name != tool {
			continue
		}
		c, err := m.checker()
		if err != nil {
			t.Fatal(err)
		}
		given, err := c.check(json.RawMessage(args))
		if err != nil {
			return nil, err.Error()
		}
		return given, ""
	}
	t.Fatalf("tool %s is not in the catalogue", tool)
	return nil, ""
}

func TestWrongArgumentsAreNamedWithWhatIsWanted(t *testing.T) {
	for _, test := range []struct{ tool, args, want string }{
		{"query_records", `{"table":"account","top":"5"}`, "top: got string, want integer"},
		{"query_records", `{"table":"account","top":1.5}`, "top: got number, want integer"},
		{"query_records", `{"table":"account","top":0}`, "top: got 0, want at least 1"},
		{"query_records", `{"table":"account","top":9999}`, "top: got 9999, want at most 5000"},
		{"query_records", `{"table":"account","selct":["name"]}`, "selct: unknown argument, did you mean select?"},
		{"query_records", `{"table":"account","order-by":"name"}`, "order-by: unknown argument, did you mean order_by?"},
		{"query_records", `{"table":"account","xyzzy":1}`, "xyzzy: unknown argument, want one of cursor, expand, filter, order_by, select, table, top"},
		{"query_records", `{"table":"account","select":"name"}`, "select: got string, want array"},
		{"query_records", `{"table":"account","select":["name",1]}`, "select.1: got number, want string"},
		{"query_records", `{}`, "table: missing, but required"},
		{"query_records", `{"table":null}`, "table: got null, want string"},
		{"query_records", `{"table":""}`, "table: empty, but needs a value"},
		{"query_records", `{"table":"account","top":5,"table":"contact"}`, "arguments: table is given twice"},
		{"create_record", `{"table":"account","values":{"list":[{"a":1},{"a":2}],"name":"A","na\u006de":"B"}}`, "arguments: name is given twice"},
		{"create_record", `{"table":"account","values":{"a":{"name":"A"},"b":[{"name":"B"},[]],"name":"C"}}`, ""},
		{"query_records", `[1]`, "arguments: want one JSON object"},
		{"query_records", ``, "table: missing, but required"},
		{"describe_table", `{"table":"account","include":["relations"]}`, "include.0: got relations, want one of relationships, choices, keys, did you mean relationships?"},
		{"create_record", `{"table":"account","values":"name=x"}`, "values: got string, want object"},
		{"get_current_user", `{"id":1}`, "id: unknown argument, this tool takes none"},
		{"query_records", `{"table":7,"top":"5","selct":[]}`,
			"selct: unknown argument, did you mean select?; table: got number, want string; top: got string, want integer"},
	} {
		if _, got := checked(t, test.tool, test.args); got != test.want {
			t.Errorf("%s %s:\ngot  %s\nwant %s", test.tool, test.args, got, test.want)
		}
	}
}

func TestDefaultsComeFromTheSchema(t *testing.T) {
	given, problem := checked(t, "query_records", `{"table":"account"}`)
	if problem != "" || string(given["top"]) != "50" {
		t.Errorf("got top %s (%s), want the 50 of the schema", given["top"], problem)
	}
	given, _ = checked(t, "query_records", `{"table":"account","top":7}`)
	if string(given["top"]) != "7" {
		t.Errorf("got top %s, want the 7 that was given", given["top"])
	}
}

func TestNullIsAnOptionalArgumentLeftOut(t *testing.T) {
	given, problem := checked(t, "query_records", `{"table":"account","filter":null,"top":null}`)
	if _, there := given["filter"]; problem != "" || there || string(given["top"]) != "50" {
		t.Errorf("got %s (%s), want no filter and the default top", given, problem)
	}
}

func TestNumbersInValuesKeepEveryDigit(t *testing.T) {
	var in createRecordIn
	if err := decode(json.RawMessage(`{"table":"account","values":{"revenue":12345678901234567.89}}`), &in); err != nil {
		t.Fatal(err)
	}
	if got := in.Values["revenue"]; got != json.Number("12345678901234567.89") {
		t.Errorf("got %v, want every digit", got)
	}
}

// unset is a connection that lacks something.
type unset struct{}

func (unset) Error() string  { return "no environment is configured" }
func (unset) Advice() string { return "Set its address." }

func TestCallWithoutConnectionSaysWhatToConfigure(t *testing.T) {
	for want, missing := range map[string]error{
		"list_tables: no environment is configured\nSet its address.":                                  unset{},
		"list_tables: want https\nCorrect the configuration and restart the server.":                   errors.New("want https"),
		"list_tables: no environment is configured\nCorrect the configuration and restart the server.": nil,
	} {
		var o Options
		if missing != nil {
			o.Connections = []Connection{{Missing: missing}}
		}
		result, err := newSet(t, o).Call(t.Context(), "list_tables", nil)
		if err != nil {
			t.Fatal(err)
		}
		if !result.IsError || result.Text != want {
			t.Errorf("got %+v, want an error: %s", result, want)
		}
		if got := result.Structured(); got != nil {
			t.Errorf("structured output beside an error: got %s, want none", got)
		}
	}
}

func TestCallEndsWithItsTime(t *testing.T) {
	hang := roundTripper(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	client, err := dataverse.New(dataverse.Options{URL: "https://crm.example", Transport: hang})
	if err != nil {
		t.Fatal(err)
	}
	set := newSet(t, Options{Connections: []Connection{{Deps: Deps{Dataverse: client}}}, Timeout: 20 * time.Millisecond})
	result, err := set.Call(t.Context(), "query_records", json.RawMessage(`{"table":"account"}`))
	if want := "A call has 20ms in all"; err != nil || !result.IsError || !strings.Contains(result.Text, want) {
		t.Errorf("got %+v, %v, want an error with %s", result, err, want)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestConnectionArgumentAppearsWithTheSecondConnection(t *testing.T) {
	for n, want := range map[int]bool{0: false, 1: false, 2: true} {
		var connections []Connection
		for i := range n {
			connections = append(connections, Connection{Name: []string{"live", "test"}[i]})
		}
		for _, offer := range newSet(t, Options{Connections: connections}).Offers() {
			if got := strings.Contains(string(offer.Input), `"connection":{"type":"string","enum":["live","test"],"description":"Environment to use.","default":"live"}`); got != want {
				t.Errorf("%d connections: %s offers the argument: %t, want %t: %s", n, offer.Name, got, want, offer.Input)
			}
		}
	}
}

func TestPanicOfAHandlerReachesOnlyTheLog(t *testing.T) {
	var log bytes.Buffer
	set := newSet(t, Options{
		Connections: []Connection{{Name: "broken"}}, // a connection without a client: any use of it panics
		Log:         slog.New(slog.NewTextHandler(&log, nil)),
	})
	result, err := set.Call(t.Context(), "list_tables", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !result.IsError || strings.Contains(result.Text, "nil pointer") {
		t.Errorf("got %+v, want an internal error without the text of the panic", result)
	}
	if !strings.Contains(log.String(), "nil pointer") {
		t.Errorf("log: got %s, want the text of the panic", log.String())
	}
}

func TestWhatTheCallerGotWrongIsNotLogged(t *testing.T) {
	var log bytes.Buffer
	set := newSet(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if _, err := set.Call(t.Context(), "query_records", json.RawMessage(`{"table":"account","filter":"name eq 'Secret Ltd'","oops":1}`)); err != nil {
		t.Fatal(err)
	}
	if got := log.String(); got != "" {
		t.Errorf("log: got %q, want nothing", got)
	}
}

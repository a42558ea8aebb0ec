package server

import (
	"net/http"
	"strings"
	"testing"
)

func TestMessagesThatTwoReadersCouldReadInTwoWaysAreRefused(t *testing.T) {
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/list"}`,
		`{"jsonrpc":"2.0","id":1,"METHOD":"ping"}`,
		`{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":1,"m\u0065thod":"ping","method":"tools/list"}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"paramſ":{}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params": {"x":[{"name":1}] , "_META" : {}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","error":{}}`,
		`{"jsonrpc":"2.0","id":1,"result":{},"error":{}}`,
	} {
		if _, problem := parse([]byte(body)); problem == nil || problem.Code != -32600 {
			t.Errorf("%s: got %v, want -32600", body, problem)
		}
	}
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":"\"method\":","method":"ping","params":{"x":{"name":1,"Name":2,"method":"\\"},"y":"name"}}`,
		`{"jsonrpc":"2.0","id":1,"result":{"name":1,"Name":2}}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","params":null}`,
	} {
		if _, problem := parse([]byte(body)); problem != nil {
			t.Errorf("%s: got %v, want it accepted", body, problem)
		}
	}
}

func TestMessagesAreBoundedInWhatTheyBecome(t *testing.T) {
	call := func(arguments string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":` + arguments + `}}`
	}
	for what, body := range map[string]string{
		"values":     call(`[` + strings.Repeat(`{},`, maxValues) + `0]`),
		"members":    call(`{` + strings.Repeat(`"a":0,`, maxValues) + `"b":0}`),
		"depth":      call(strings.Repeat(`[`, maxDepth) + strings.Repeat(`]`, maxDepth)),
		"id":         `{"jsonrpc":"2.0","id":"` + strings.Repeat("x", maxID) + `","method":"ping"}`,
		"bad UTF-8":  "{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"ping\"}",
		"two values": `{"jsonrpc":"2.0","id":1,"method":"ping"}{}`,
		"NUL":        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\x00",
	} {
		if m, problem := parse([]byte(body)); problem == nil || what == "id" && m.ID != nil {
			t.Errorf("%s: got %v, want it refused", what, problem)
		}
	}
	if _, problem := parse([]byte(call(`"` + strings.Repeat(`{[,\"`, maxValues) + `"`))); problem != nil {
		t.Errorf("a long text: got %v, want it accepted", problem)
	}
}

func TestAnswersRepeatTheIDAsItWas(t *testing.T) {
	url := endpoint(t, Options{})
	for _, id := range []string{"9007199254740993", "12345678901234567890", "-1", "1.0", `"a\u0000b"`, `"é"`, `""`} {
		for _, method := range []string{"ping", "no/method"} {
			body := `{"jsonrpc":"2.0","id":` + id + `,"method":"` + method + `"}`
			if _, _, got := send(t, http.MethodPost, url, body, nil, nil); !strings.Contains(got, `"id":`+id+`,`) {
				t.Errorf("%s %s: got %s", method, id, got)
			}
		}
	}
}

func TestProgressRepeatsTheTokenAsItWas(t *testing.T) {
	url := serveFixture(t, newFixture(t, Options{}))
	for _, token := range []string{"9007199254740993", `"p\u0000"`, "0"} {
		c := open(t, http.MethodPost, url, legacyTool("1", "count", `,"_meta":{"progressToken":`+token+`}`), nil)
		want(t, c.next(), `"progressToken":`+token)
	}
	for _, token := range []string{"null", "1.5", "true", `{"a":[1]}`, "[]", `"` + strings.Repeat("x", maxID) + `"`} {
		c := open(t, http.MethodPost, url, legacyTool("1", "count", `,"_meta":{"progressToken":`+token+`}`), nil)
		want(t, c.next(), `"id":1`, `"text":"ok"`)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"name":"a","_meta":{}}}`)
	f.Add(`{"jsonrpc":"2.0","id":"a\\","result":{}}`)
	f.Add(`{"":{"":"`)
	f.Fuzz(func(t *testing.T, raw string) {
		m, problem := parse([]byte(raw))
		if problem == nil && m.Method == "" && !m.isResponse() {
			t.Errorf("%q is neither a request nor a response", raw)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	raw := []byte(modernCall("1", "tools/call", `"name":"nothing","arguments":{},`, `{}`, ""))
	for b.Loop() {
		if _, problem := parse(raw); problem != nil {
			b.Fatal(problem)
		}
	}
}

func BenchmarkInspect(b *testing.B) {
	raw := []byte(modernCall("1", "tools/call", `"name":"nothing","arguments":{},`, `{}`, ""))
	for b.Loop() {
		if wrong := inspect(raw); wrong != "" {
			b.Fatal(wrong)
		}
	}
}

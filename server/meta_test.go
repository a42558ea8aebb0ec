package server

import (
	"net/http"
	"strings"
	"testing"
)

// listSaying is a tools/list that says of itself what meta holds.
func listSaying(meta string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{` + meta + `}}}`
}

// metaCases are what requests can say of themselves, with the version in their header and what they are answered.
func metaCases() []struct{ what, version, meta, want string } {
	const (
		version      = `"io.modelcontextprotocol/protocolVersion":`
		capabilities = `"io.modelcontextprotocol/clientCapabilities":{}`
		modern       = version + `"2026-07-28",` + capabilities
		unsupported  = `"code":-32022,"message":"unsupported protocol version`
		supported    = `"supported":["2026-07-28","2025-11-25"`
	)
	return []struct{ what, version, meta, want string }{
		{"all it has to", "2026-07-28", modern, `"resultType":"complete"`},
		{"who sends it", "2026-07-28", modern + `,"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/logLevel":"debug"`, `"resultType":"complete"`},
		{"a version of long ago", "1900-01-01", version + `"1900-01-01",` + capabilities, unsupported},
		{"a version to come", "2099-01-01", version + `"2099-01-01",` + capabilities, supported},
		{"a version that is none", "banana", version + `"banana",` + capabilities, `"requested":"banana"`},
		{"no version", "2026-07-28", capabilities, `"code":-32602`},
		{"a number as version", "2026-07-28", version + `20260728,` + capabilities, `"code":-32602`},
		{"a name alone", "2025-11-25", `"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}`, `"result":{"tools"`},
		{"no capabilities", "2026-07-28", version + `"2026-07-28"`, `"code":-32602`},
		{"a list of capabilities", "2026-07-28", version + `"2026-07-28","io.modelcontextprotocol/clientCapabilities":[]`, `"code":-32602`},
		{"a text for who sends it", "2026-07-28", modern + `,"io.modelcontextprotocol/clientInfo":"t"`, `"code":-32602`},
		{"a level that is none", "2026-07-28", modern + `,"io.modelcontextprotocol/logLevel":"banana"`, `"code":-32602`},
		{"a number as level", "2026-07-28", modern + `,"io.modelcontextprotocol/logLevel":3`, `"code":-32602`},
		{"a version with initialize", "2025-11-25", version + `"2025-11-25"`, `"result":{"tools"`},
		{"a token alone", "2025-11-25", `"progressToken":1`, `"result":{"tools"`},
	}
}

func TestWhatARequestSaysOfItselfIsHeldToTheSpecification(t *testing.T) {
	url := endpoint(t, Options{})
	p := stdio(t, newFixture(t, Options{}))
	for _, test := range metaCases() {
		status, _, text := send(t, http.MethodPost, url, listSaying(test.meta), http.Header{"Mcp-Protocol-Version": {test.version}, "Mcp-Method": {"tools/list"}}, nil)
		if wantStatus := map[bool]int{true: 400, false: 200}[!strings.Contains(test.want, "result")]; status != wantStatus || !strings.Contains(text, test.want) {
			t.Errorf("%s over HTTP: got %d %.300s, want %d %s", test.what, status, text, wantStatus, test.want)
		}
		p.say(listSaying(test.meta))
		if text := p.next(); !strings.Contains(text, test.want) {
			t.Errorf("%s over stdio: got %.300s, want %s", test.what, text, test.want)
		}
	}
}

func TestAVersionThatIsNotSupportedIsAnsweredWithThoseThatAre(t *testing.T) {
	url := endpoint(t, Options{})
	for _, version := range []string{"1900-01-01", "2099-01-01", "banana"} {
		for _, body := range []string{legacyList, listSaying("")} {
			status, _, text := send(t, http.MethodPost, url, body, http.Header{"Mcp-Protocol-Version": {version}}, nil)
			if status != http.StatusBadRequest || !strings.Contains(text, `"code":-32022`) || !strings.Contains(text, `"requested":"`+version+`"`) {
				t.Errorf("%s with %s: got %d %s, want 400, -32022", version, body, status, text)
			}
		}
	}
}

func TestParamsOfAnotherTypeAreNamed(t *testing.T) {
	url := endpoint(t, Options{})
	for params, want := range map[string]string{
		`"method":"tools/list","params":[]`:                                                 "params: want an object",
		`"method":"ping","params":3`:                                                        "params: want an object",
		`"method":"tools/call","params":"x"`:                                                "params: want an object",
		`"method":"tools/list","params":{"cursor":5}`:                                       "cursor: got number, want string",
		`"method":"tools/call","params":{"name":5}`:                                         "name: got number, want string",
		`"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":[]}`: "capabilities: got array, want object",
	} {
		_, _, text := send(t, http.MethodPost, url, `{"jsonrpc":"2.0","id":1,`+params+`}`, nil, nil)
		if !strings.Contains(text, `"id":1,"error":{"code":-32602,"message":"`+want) {
			t.Errorf("%s: got %s, want -32602: %s", params, text, want)
		}
	}
}

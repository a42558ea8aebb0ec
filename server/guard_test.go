package server

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
)

// raw sends text as it is, and returns the status and the rest of the answer.
func raw(t *testing.T, url, text string) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/mcp"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func posted(version, headers, body string) string {
	return fmt.Sprintf("POST /mcp HTTP/%s\r\n%sConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", version, headers, len(body), body)
}

func TestOnlyHostsOfThisMachineAreServed(t *testing.T) {
	url := endpoint(t, Options{AllowedHosts: []string{"CRM.example"}, AllowedOrigins: []string{"https://App.example"}})
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:1": 200, "127.0.0.1": 200, "127.9.9.9:80": 200, "[::1]": 200, "[::1]:8808": 200, "[::ffff:127.0.0.1]": 200,
		"crm.example": 200, "CRM.EXAMPLE:443": 200,
		"": 403, "localhost.": 403, "crm.example.": 403, "x.crm.example": 403, "evil.example": 403, "evil.example:8808": 403,
		"localhost.evil.example": 403, "127.0.0.1.nip.io": 403, "127.1": 403, "0x7f.0.0.1": 403, "2130706433": 403, "0.0.0.0": 403, "[::]": 403,
		"192.168.0.1": 403, "169.254.169.254": 403, "localhost:evil.example": 403, "localhost:99999": 403, "[localhost]": 403, "::1": 403,
		"[::1": 403, "[::1]evil": 403, "localhost,evil.example": 403, "foo.localhost": 403,
		"user@localhost": 400, "localhost:80@evil.example": 400, "local host": 400,
	} {
		if got, _ := raw(t, url, posted("1.1", "Host: "+host+"\r\n", legacyList)); got != want {
			t.Errorf("Host %q: got %d, want %d", host, got, want)
		}
	}
	for what, test := range map[string]struct {
		text string
		want int
	}{
		"no Host in HTTP/1.0": {posted("1.0", "", legacyList), 403},
		"no Host in HTTP/1.1": {posted("1.1", "", legacyList), 400},
		"two Hosts":           {posted("1.1", "Host: localhost\r\nHost: evil.example\r\n", legacyList), 400},
		"an evil target":      {strings.Replace(posted("1.1", "Host: localhost\r\n", legacyList), "/mcp", "http://evil.example/mcp", 1), 403},
	} {
		if got, _ := raw(t, url, test.text); got != test.want {
			t.Errorf("%s: got %d, want %d", what, got, test.want)
		}
	}
}

func TestOnlyPagesOfThisMachineAreServed(t *testing.T) {
	url := endpoint(t, Options{AllowedOrigins: []string{"https://App.example:443", "http://other.example:80", "https://port.example:8443"}})
	for origin, want := range map[string]int{
		"http://localhost": 200, "https://localhost:1": 200, "http://127.0.0.1:6274": 200, "http://[::1]:5": 200, "https://app.example": 200,
		"http://other.example": 200, "https://port.example:8443": 200, "https://port.example": 403, "https://other.example": 403,
		"": 403, "null": 403, "file://": 403, "https://evil.example": 403, "http://app.example": 403, "https://app.example:8443": 403, "https://app.example.evil": 403,
		"https://x.app.example": 403, "http://localhost.": 403, "http://localhost.evil.example": 403, "http://foo.localhost": 403, "http://0.0.0.0": 403,
		"http://127.1": 403, "http://user@localhost": 403, "http://localhost@evil.example": 403, "http://localhost/evil": 403, "http://localhost#evil": 403,
		"http://localhost?evil": 403, "http://localhost:80:90": 403, "http://localhost, https://evil.example": 403, "http://localhost https://evil.example": 403,
		"ws://localhost": 403, "chrome-extension://abc": 403, "localhost": 403, "//localhost": 403, "http:localhost": 403, "http://": 403,
		"http://localhost\r\nOrigin: https://evil.example": 403, "http://localhost\r\nOrigin: http://localhost": 403,
	} {
		got, _ := raw(t, url, posted("1.1", "Host: localhost\r\nOrigin: "+origin+"\r\n", legacyList))
		if got != want {
			t.Errorf("Origin %q: got %d, want %d", origin, got, want)
		}
	}
	for _, request := range []string{"GET /mcp", "DELETE /mcp", "OPTIONS /mcp", "PUT /mcp", "GET /healthz", "GET /readyz", "GET /none"} {
		if got, _ := raw(t, url, request+" HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nConnection: close\r\n\r\n"); got != 403 {
			t.Errorf("%s from a foreign page: got %d, want 403", request, got)
		}
	}
	if got, _ := raw(t, url, "GET /healthz HTTP/1.1\r\nHost: 10.0.0.5:8808\r\nConnection: close\r\n\r\n"); got != 200 {
		t.Errorf("a probe by address: got %d, want 200", got)
	}
}

func TestBodiesThatAreNoMessageAreRefused(t *testing.T) {
	url := endpoint(t, Options{})
	chunked := "POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
	for what, test := range map[string]struct {
		text string
		want int
	}{
		"chunks":              {chunked + "\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(legacyList), legacyList), 200},
		"chunks of 1 MiB":     {chunked + "\r\n100000\r\n" + strings.Repeat(" ", 1<<20) + fmt.Sprintf("\r\n%x\r\n%s\r\n0\r\n\r\n", len(legacyList), legacyList), 200},
		"a chunk of no size":  {chunked + "\r\nzz\r\nx\r\n0\r\n\r\n", 400},
		"length and chunks":   {chunked + "Content-Length: 5, 6\r\n\r\n0\r\n\r\n", 400},
		"two lengths":         {"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", 400},
		"a compressed body":   {posted("1.1", "Host: localhost\r\nContent-Encoding: gzip\r\n", legacyList), 415},
		"no body":             {posted("1.1", "Host: localhost\r\n", ""), 400},
		"a form":              {strings.Replace(posted("1.1", "Host: localhost\r\n", legacyList), "application/json", "text/plain", 1), 415},
		"no type":             {strings.Replace(posted("1.1", "Host: localhost\r\n", legacyList), "Content-Type: application/json\r\n", "", 1), 415},
		"other encoding":      {posted("1.1", "Host: localhost\r\n", "\xff\xfe{\x00}\x00"), 400},
		"a length of 256 MiB": {"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 268435456\r\n\r\n", 413},
	} {
		if got, text := raw(t, url, test.text); got != test.want {
			t.Errorf("%s: got %d %s, want %d", what, got, text, test.want)
		}
	}
}

// A client that sends everything before it reads has to get its answer all the same.
func TestWhoSendsTooMuchIsToldSo(t *testing.T) {
	url := endpoint(t, Options{})
	body := strings.Repeat(" ", 32<<20)
	head := "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	for what, text := range map[string]string{
		"a long body":  posted("1.1", "Host: localhost\r\n", body),
		"a long chunk": head + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
		"an announced": head + "Expect: 100-continue\r\nContent-Length: 33554432\r\n\r\n",
	} {
		if got, answer := raw(t, url, text); got != http.StatusRequestEntityTooLarge || answer != "message is longer than 4 MiB\n" {
			t.Errorf("%s: got %d %q, want 413", what, got, answer)
		}
	}
}

func TestModernHeadersSayWhatTheBodySays(t *testing.T) {
	url := serveFixture(t, newFixture(t, Options{}))
	body := modernCall("1", "tools/call", `"name":"nothing","arguments":{},`, `{}`, "")
	good := headersOf("tools/call", "nothing")
	for what, test := range map[string]struct {
		header http.Header
		want   int
	}{
		"as it is":               {http.Header{}, 200},
		"in base64":              {http.Header{"Mcp-Name": {"=?base64?bm90aGluZw==?="}}, 200},
		"base64 of another":      {http.Header{"Mcp-Name": {"=?base64?c3RlcHM=?="}}, 400},
		"base64 without padding": {http.Header{"Mcp-Name": {"=?base64?bm90aGluZw?="}}, 400},
		"base64 in upper case":   {http.Header{"Mcp-Name": {"=?BASE64?bm90aGluZw==?="}}, 400},
		"no base64":              {http.Header{"Mcp-Name": {"=?base64?!!?="}}, 400},
		"base64 twice":           {http.Header{"Mcp-Name": {"=?base64?PT9iYXNlNjQ/Ym05MGFHbHVadz09Pz0=?="}}, 400},
		"other case":             {http.Header{"Mcp-Name": {"Nothing"}}, 400},
		"two names":              {http.Header{"Mcp-Name": {"nothing", "steps"}}, 400},
		"the same name twice":    {http.Header{"Mcp-Name": {"nothing", "nothing"}}, 400},
		"two methods":            {http.Header{"Mcp-Method": {"tools/call", "tools/list"}}, 400},
		"two versions":           {http.Header{"Mcp-Protocol-Version": {"2026-07-28", "2025-11-25"}}, 400},
		"an older version":       {http.Header{"Mcp-Protocol-Version": {"2025-11-25"}}, 400},
		"no version":             {http.Header{"Mcp-Protocol-Version": nil}, 400},
		"a resumed stream":       {http.Header{"Last-Event-Id": {"1"}}, 200},        // nothing is resumed in this era
		"somebody's session":     {http.Header{"Mcp-Session-Id": {"guessed"}}, 200}, // means nothing in this era
	} {
		header := good.Clone()
		maps.Copy(header, test.header)
		if c := open(t, http.MethodPost, url, body, header); c.StatusCode != test.want {
			t.Errorf("%s: got %d %s, want %d", what, c.StatusCode, c.next(), test.want)
		}
	}
}

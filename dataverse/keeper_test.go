package dataverse_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// unpacked answers $batch as the service does: with the answer of one to each request in it, in order, up to the first
// that fails unless the client wants to go on; a failed change set has one answer.
func unpacked(one http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/$batch") {
			one(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if bare := strings.ReplaceAll(string(body), "\r\n", ""); strings.ContainsAny(bare, "\r\n") {
			http.Error(w, `{"error":{"code":"0x80048d19","message":"a line does not end in CRLF"}}`, http.StatusBadRequest)
			return
		}
		goOn := strings.Contains(r.Header.Get("Prefer"), "odata.continue-on-error")
		contentType, answer := unpack(r.Header.Get("Content-Type"), bytes.NewReader(body), one, goOn)
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(answer)
	}
}

func unpack(contentType string, body io.Reader, one http.HandlerFunc, goOn bool) (string, []byte) {
	_, params, _ := mime.ParseMediaType(contentType)
	together := strings.HasPrefix(params["boundary"], "changeset_")
	in := multipart.NewReader(body, params["boundary"])
	var b bytes.Buffer
	out := multipart.NewWriter(&b)
	for {
		p, err := in.NextRawPart()
		if err != nil {
			break
		}
		if kind := p.Header.Get("Content-Type"); strings.HasPrefix(kind, "multipart/") {
			kind, inner := unpack(kind, p, one, false)
			w, _ := out.CreatePart(map[string][]string{"Content-Type": {kind}})
			_, _ = w.Write(inner)
			continue
		}
		message, _ := io.ReadAll(p)
		head, body, _ := bytes.Cut(message, []byte("\r\n\r\n"))
		r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(head), strings.NewReader("\r\n\r\n"))))
		if err != nil {
			panic(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body)) // inside a batch nobody says how long a body is
		rec := httptest.NewRecorder()
		one(rec, r)
		header := map[string][]string{"Content-Type": {"application/http"}, "Content-Transfer-Encoding": {"binary"}}
		if id := p.Header.Get("Content-ID"); id != "" {
			header["Content-ID"] = []string{id}
		}
		if together && rec.Code >= 400 { // nothing of the set remains, nor of its answers
			b.Reset()
			out = multipart.NewWriter(&b)
		}
		w, _ := out.CreatePart(header)
		fmt.Fprintf(w, "HTTP/1.1 %d %s\r\n", rec.Code, http.StatusText(rec.Code))
		_ = rec.Header().Write(w)
		fmt.Fprintf(w, "\r\n%s", rec.Body)
		if !goOn && rec.Code >= 400 {
			break
		}
	}
	_ = out.Close()
	return "multipart/mixed; boundary=" + out.Boundary(), b.Bytes()
}

// keeper keeps accounts: which there are, and how often each was written.
type keeper struct {
	bulk bool // knows CreateMultiple and its like

	mu     sync.Mutex
	writes map[string]int // by id
	calls  []string       // what was asked for, without ids
}

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.writes == nil {
		k.writes = map[string]int{}
	}
	path, key, hasKey := strings.Cut(strings.TrimPrefix(r.URL.Path, root), "(")
	id := strings.TrimSuffix(key, ")")
	k.calls = append(k.calls, r.Method+" "+path)
	switch {
	case path == "sdkmessagefilters":
		answer := `{"value":[]}`
		if k.bulk {
			answer = `{"value":[{"sdkmessagefilterid":"` + contactID + `"}]}`
		}
		always(200, answer)(w, r)
	case r.Method == http.MethodPost:
		k.create(w, r, path)
	case hasKey && k.writes[id] == 0:
		always(404, `{"error":{"code":"0x80040217","message":"Entity 'account' With Id = `+id+` Does Not Exist"}}`)(w, r)
	case r.Method == http.MethodDelete:
		delete(k.writes, id)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPatch && r.Header.Get("If-Match") == `W/"0"`:
		always(412, `{"error":{"code":"0x80060882","message":"The version of the existing record doesn't match the RowVersion property provided."}}`)(w, r)
	case r.Method == http.MethodPatch:
		k.writes[id]++
		always(200, `{"@odata.etag":"W/\"7\"","accountid":"`+id+`"}`)(w, r)
	default:
		always(200, `{"accountid":"`+id+`"}`)(w, r)
	}
}

func (k *keeper) create(w http.ResponseWriter, r *http.Request, path string) {
	var body struct {
		ID      string `json:"accountid"`
		Name    string `json:"name"`
		Targets []struct {
			ID   string `json:"accountid"`
			Name string `json:"name"`
			Type string `json:"@odata.type"`
		} `json:"Targets"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		panic(err)
	}
	_, message, many := strings.Cut(path, "/Microsoft.Dynamics.CRM.")
	if !many {
		body.Targets = append(body.Targets, struct {
			ID   string `json:"accountid"`
			Name string `json:"name"`
			Type string `json:"@odata.type"`
		}{body.ID, body.Name, "Microsoft.Dynamics.CRM.account"})
	}
	ids := []string{}
	for _, t := range body.Targets {
		switch {
		case t.Type != "Microsoft.Dynamics.CRM.account":
			always(400, `{"error":{"code":"0x80048d19","message":"no @odata.type"}}`)(w, r)
			return
		case t.Name == "bad":
			always(400, `{"error":{"code":"0x80040265","message":"Credit limit exceeded"}}`)(w, r)
			return
		case message == "UpdateMultiple" && k.writes[t.ID] == 0:
			always(404, `{"error":{"code":"0x80040217","message":"Account With Ids = `+t.ID+` Do Not Exist"}}`)(w, r)
			return
		case (message == "" || message == "CreateMultiple") && k.writes[t.ID] > 0:
			always(412, `{"error":{"code":"0x80040237","message":"Cannot insert duplicate key."}}`)(w, r)
			return
		}
		ids = append(ids, t.ID)
	}
	for _, id := range ids {
		k.writes[id]++
	}
	if message == "CreateMultiple" {
		writeJSON(w, object{"Ids": ids})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// total says how many rows there are, and whether one was written more than once.
func (k *keeper) total() (rows int, twice bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, n := range k.writes {
		twice = twice || n > 1
	}
	return len(k.writes), twice
}

func (k *keeper) asked(call string) (times int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range k.calls {
		if c == call {
			times++
		}
	}
	return times
}

// losing carries every request out, and loses the answers to those that lose picks by their number, from 1.
func losing(h http.Handler, lose func(n int) bool) http.HandlerFunc {
	var mu sync.Mutex
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		lost := lose(n)
		mu.Unlock()
		if lost { // told before the handler sends its header
			w.Header().Set("X-Lost", "yes")
		}
		h.ServeHTTP(w, r)
	}
}

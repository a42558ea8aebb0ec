package emulator_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// stalled is a client that stops reading.
type stalled struct {
	*httptest.ResponseRecorder
	reached, over chan struct{}
}

func (s stalled) Write(p []byte) (int, error) {
	close(s.reached)
	<-s.over
	return s.ResponseRecorder.Write(p)
}

func TestAClientThatStopsReadingKeepsNobodyFromWriting(t *testing.T) {
	for _, query := range []string{
		"accounts", "accounts?$apply=aggregate($count%20as%20n)", "accounts(" + one + ")",
		"accounts?fetchXml=%3Cfetch%3E%3Centity%20name=%22account%22/%3E%3C/fetch%3E",
		"accounts?fetchXml=%3Cfetch%20aggregate=%22true%22%3E%3Centity%20name=%22account%22%3E%3Cattribute%20name=%22accountid%22%20aggregate=%22count%22%20alias=%22n%22/%3E%3C/entity%3E%3C/fetch%3E",
	} {
		s := emulator.Start(t, emulator.Rows("accounts", emulator.Row{"accountid": one, "name": "Contoso"}))
		client := stalled{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
		answered, written := make(chan struct{}), make(chan int, 1)
		go func() {
			defer close(answered)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/data/v9.2/"+query, http.NoBody)
			r.Header.Set("Authorization", "Bearer "+s.Token)
			s.Emulator.ServeHTTP(client, r)
		}()
		<-client.reached
		go func() { written <- send(t, s, http.MethodPost, "accounts", `{"name":"Fabrikam"}`).status }()
		select {
		case status := <-written:
			if status != http.StatusNoContent {
				t.Errorf("%s: a write beside it: got %d, want %d", query, status, http.StatusNoContent)
			}
			close(client.over)
		case <-time.After(5 * time.Second):
			t.Errorf("%s: a write waits for a client that does not read its answer", query)
			close(client.over)
			<-written
		}
		<-answered
		if client.Code != http.StatusOK {
			t.Errorf("%s: got %d %s", query, client.Code, client.Body)
		}
	}
}

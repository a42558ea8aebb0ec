package test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// crashed is an emulator on a file, to be killed at work.
type crashed struct {
	command *exec.Cmd
	root    string
}

var emulatorAddress = regexp.MustCompile(`http://[\d.:]+`)

func startOnFile(t *testing.T, file string) crashed {
	t.Helper()
	command := exec.CommandContext(t.Context(), "dynamics-mcp", "emulator", "--listen", "127.0.0.1:0", "--db", file, "--empty",
		"--limit-requests", "0", "--limit-concurrent", "0", "--limit-time", "0")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the emulator does not start: %v", err)
	}
	return crashed{command, emulatorAddress.FindString(line) + "/api/data/v9.2/"}
}

// kill ends the process without a word, as kill -9 does.
func (c crashed) kill(t *testing.T) {
	t.Helper()
	if err := c.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.command.Wait() // tells that it was killed
}

// send returns the status, and 0 where no answer came.
func (c crashed) send(ctx context.Context, method, path, contentType, body string) (status int, answer string) {
	r, err := http.NewRequestWithContext(ctx, method, c.root+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	r.Header = http.Header{"Authorization": {"Bearer demo"}, "Content-Type": {contentType}, "Prefer": {"odata.maxpagesize=5000"}}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer w.Body.Close()
	data, err := io.ReadAll(w.Body)
	if err != nil {
		return 0, err.Error()
	}
	return w.StatusCode, string(data)
}

// acknowledged are the rows that the emulator said it had written: by id, with the change set that they came in.
type acknowledged struct {
	mu   sync.Mutex
	rows map[string]string
}

func (a *acknowledged) add(set string, ids ...string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		a.rows[id] = set
	}
	return len(a.rows)
}

const setSize = 3

// write writes one row, then a change set, and so on until the emulator is gone. Enough is called when there are many.
func (a *acknowledged) write(ctx context.Context, c crashed, many int, enough func()) {
	for {
		id := uuid.NewString()
		if status, _ := c.send(ctx, http.MethodPost, "accounts", "application/json", row(id, "")); status != http.StatusNoContent {
			return
		}
		a.add("", id)
		set, ids := uuid.NewString(), make([]string, setSize)
		var body strings.Builder
		body.WriteString("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n")
		for i := range ids {
			ids[i] = uuid.NewString()
			fmt.Fprintf(&body, "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: %d\r\n\r\n"+
				"POST accounts HTTP/1.1\r\n\r\n%s\r\n", i, row(ids[i], set))
		}
		body.WriteString("--c--\r\n--b--\r\n")
		if status, _ := c.send(ctx, http.MethodPost, "$batch", "multipart/mixed; boundary=b", body.String()); status != http.StatusOK {
			return
		}
		if a.add(set, ids...) >= many {
			enough()
		}
	}
}

func row(id, set string) string { return fmt.Sprintf(`{"accountid":%q,"name":%q}`, id, set) }

func TestAcknowledgedWritesSurviveAKill(t *testing.T) {
	file := filepath.Join(t.TempDir(), "crm.db")
	written := &acknowledged{rows: map[string]string{}}
	const kills = 3
	for round := range kills + 1 {
		c := startOnFile(t, file)
		found := stored(t, c)
		for id, set := range written.rows {
			if got, ok := found[id]; !ok || got != set {
				t.Errorf("after kill %d: row %s of change set %q is not there", round, id, set)
			}
		}
		sizes := map[string]int{}
		for _, set := range found {
			sizes[set]++
		}
		for set, size := range sizes {
			if set != "" && size != setSize {
				t.Errorf("after kill %d: %d rows of the change set %s are there, want %d", round, size, set, setSize)
			}
		}
		if round == kills {
			c.kill(t)
			return
		}
		many, stop := make(chan struct{}), sync.Once{}
		var writers sync.WaitGroup
		for range 4 {
			writers.Go(func() {
				written.write(t.Context(), c, len(found)+200, func() { stop.Do(func() { close(many) }) })
			})
		}
		select {
		case <-many:
		case <-time.After(time.Minute):
			t.Error("the emulator writes fewer than 200 rows in a minute")
		}
		c.kill(t)
		writers.Wait()
	}
}

// stored are the rows that are there, with the change sets that they came in.
func stored(t *testing.T, c crashed) map[string]string {
	t.Helper()
	status, body := c.send(t.Context(), http.MethodGet, "accounts?$select=accountid,name", "", "")
	var page struct {
		Value []struct{ AccountID, Name string }
		Next  string `json:"@odata.nextLink"`
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil || status != http.StatusOK || page.Next != "" {
		t.Fatalf("rows: status %d, %v, next %q: %.500s", status, err, page.Next, body)
	}
	found := map[string]string{}
	for _, r := range page.Value {
		found[r.AccountID] = r.Name
	}
	return found
}

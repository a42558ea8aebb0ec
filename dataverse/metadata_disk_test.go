package dataverse_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// counting adds the emulator's token and counts the requests for definitions. As, if not "", is the user it acts for.
type counting struct {
	signedIn
	as          string
	definitions atomic.Int32
	all         atomic.Int32
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.all.Add(1)
	if strings.Contains(r.URL.Path, "/EntityDefinitions") {
		c.definitions.Add(1)
	}
	if c.as != "" {
		r = r.Clone(r.Context())
		r.Header.Set("MSCRMCallerID", c.as)
	}
	return c.signedIn.RoundTrip(r)
}

// starting describes account as a program does that starts and ends, and tells how many definitions it asked for.
func starting(t *testing.T, server *emulator.Server, dir string, o ...func(*counting, *dataverse.Options)) (*dataverse.Table, int) {
	t.Helper()
	transport := &counting{signedIn: signedIn{server.Token}}
	options := dataverse.Options{URL: server.URL, Transport: transport, CacheDir: dir}
	for _, set := range o {
		set(transport, &options)
	}
	c := open(t, options)
	defer c.Close()
	table, err := c.Table(t.Context(), "account")
	if err != nil {
		t.Fatal(err)
	}
	return table, int(transport.definitions.Load())
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*"))
	hidden, err2 := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || err2 != nil || len(hidden) > 0 {
		t.Fatalf("%v %v, left behind: %v", err, err2, hidden)
	}
	return list
}

func TestMetadataOutlivesTheProcess(t *testing.T) {
	server := emulator.Start(t)
	dir := filepath.Join(t.TempDir(), "not", "there")
	first, n := starting(t, server, dir)
	if n < 2 {
		t.Fatalf("a cold start asks for %d definitions", n)
	}
	second, n := starting(t, server, dir)
	if diff := cmp.Diff(first, second); diff != "" || n != 0 {
		t.Errorf("a warm start asks for %d definitions (-cold +warm):\n%s", n, diff)
	}
	list := files(t, dir)
	if len(list) != 1 {
		t.Fatalf("files %v, want one", list)
	}
	info, err := os.Stat(list[0])
	if err != nil || info.Mode() != 0o600 && os.PathSeparator == '/' {
		t.Errorf("mode %v (%v), want that only the user may read it", info.Mode(), err)
	}
}

func TestMetadataIsKeptApartByUserAndEnvironment(t *testing.T) {
	dir, server, other := t.TempDir(), emulator.Start(t, emulator.WithSampleData()), emulator.Start(t)
	user := ""
	admin := open(t, dataverse.Options{URL: server.URL, Transport: signedIn{server.Token}})
	for row, err := range admin.Rows(t.Context(), "systemuser", dataverse.Query{Filter: "accessmode eq 0", Top: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		user = row.ID
	}
	starting(t, server, dir)
	if _, n := starting(t, server, dir, func(c *counting, _ *dataverse.Options) { c.as = user }); n == 0 || user == "" {
		t.Errorf("user %q was given what another had fetched", user)
	}
	if _, n := starting(t, other, dir); n == 0 {
		t.Error("an environment was described by another")
	}
	if list := files(t, dir); len(list) != 3 {
		t.Errorf("%d files, want 3", len(list))
	}
}

func TestAUserWhoComesInUnderwayIsNotGivenWhatIsHeldOfAnother(t *testing.T) {
	dir, server := t.TempDir(), emulator.Start(t, emulator.WithSampleData())
	now := time.Now()
	transport := &counting{signedIn: signedIn{server.Token}}
	c := open(t, dataverse.Options{URL: server.URL, Transport: transport, CacheDir: dir, Now: func() time.Time { return now }})
	var user string
	for row, err := range c.Rows(t.Context(), "systemuser", dataverse.Query{Filter: "accessmode eq 0", Top: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		user = row.ID
	}
	transport.definitions.Store(0)
	transport.as, now = user, now.Add(11*time.Minute)
	if _, err := c.Table(t.Context(), "systemuser"); err != nil || transport.definitions.Load() == 0 {
		t.Errorf("%d definitions asked for, %v", transport.definitions.Load(), err)
	}
	c.Close()
	if list := files(t, dir); len(list) != 2 {
		t.Errorf("%d files, want 2", len(list))
	}
}

func TestWhatIsFetchedWithinASecondIsWrittenAtItsEnd(t *testing.T) {
	e, err := emulator.New(t.Context(), emulator.Options{Empty: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dataverse.Options{URL: "http://localhost", Transport: transport{emulator.Transport(e)}, CacheDir: dir, Limits: unlimited})
		describe := func(names ...string) {
			t.Helper()
			for _, name := range names {
				if _, err := c.Table(t.Context(), name); err != nil {
					t.Fatal(err)
				}
			}
		}
		kept := func() (tables int) {
			t.Helper()
			synctest.Wait()
			for _, path := range files(t, dir) {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				tables += bytes.Count(text, []byte("\n")) - 2 // without the header and the list of tables
			}
			return tables
		}
		describe("account", "contact", "task")
		if n := kept(); n != 0 {
			t.Errorf("%d tables were written while the caller waited", n)
		}
		time.Sleep(time.Second)
		if n := kept(); n != 3 {
			t.Errorf("a second later %d tables are kept, want 3", n)
		}
		describe("email")
		c.Close()
		if n := kept(); n != 4 {
			t.Errorf("behind Close %d tables are kept, want 4", n)
		}
	})
}

func TestNothingIsWrittenBeforeSomethingIsFetched(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	open(t, dataverse.Options{URL: "http://127.0.0.1:1", CacheDir: dir})
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s: %v, want that it is not there", dir, err)
	}
}

func TestAFileThatCannotBeUsedIsWrittenAnew(t *testing.T) {
	server := emulator.Start(t)
	dir := t.TempDir()
	want, _ := starting(t, server, dir)
	path := files(t, dir)[0]
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(good, []byte("\n"))
	for name, text := range map[string][]byte{
		"empty":          nil,
		"cut":            good[:len(good)-100],
		"of zeros":       make([]byte, len(good)),
		"of old":         bytes.Replace(good, []byte(`"format":1`), []byte(`"format":0`), 1),
		"of others":      bytes.Replace(good, []byte(`"user":"`), []byte(`"user":"f`), 1),
		"without stamp":  bytes.Replace(good, []byte(`"stamp":"`), []byte(`"stomp":"`), 1),
		"of wrong lines": append(bytes.Clone(lines[0]), "account\n\t\t\n"...),
		"of wrong types": bytes.ReplaceAll(good, []byte(`"Columns":[`), []byte(`"Columns":{`)),
		"mixed up":       bytes.Replace(good, []byte("\naccount\t"), []byte("\ncontact\t"), 1),
		"of the future":  bytes.ReplaceAll(good, []byte("\t20"), []byte("\t30")),
		"too long":       append(bytes.Clone(good), make([]byte, 16<<20)...),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		got, n := starting(t, server, dir)
		if diff := cmp.Diff(want, got); diff != "" || n == 0 {
			t.Errorf("%s: %d definitions asked for (-want +got):\n%s", name, n, diff)
		}
		if _, n := starting(t, server, dir); n != 0 {
			t.Errorf("%s: it was not written anew", name)
		}
	}
}

func TestProcessesShareAFolder(t *testing.T) {
	server := emulator.Start(t)
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			c := open(t, dataverse.Options{URL: server.URL, Transport: signedIn{server.Token}, CacheDir: dir})
			defer c.Close()
			for _, name := range []string{"account", "contact", "task"} {
				if _, err := c.Table(t.Context(), name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if _, n := starting(t, server, dir); n != 0 || len(files(t, dir)) != 1 {
		t.Errorf("%d definitions asked for, files %v", n, files(t, dir))
	}
}

func TestAFolderThatCannotBeWrittenIsNoReasonToFail(t *testing.T) {
	server := emulator.Start(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, fs.FileMode(0o600)); err != nil {
		t.Fatal(err)
	}
	if _, n := starting(t, server, file); n == 0 {
		t.Error("no definitions asked for")
	}
}

func TestNothingIsKeptOfAnEnvironmentThatDoesNotTellOfChanges(t *testing.T) {
	server := emulator.Start(t, emulator.Faults(emulator.Fault{Fault: "status=403; code=0x80040220", Path: "RetrieveMetadataChanges"}))
	dir := t.TempDir()
	if _, n := starting(t, server, dir); n == 0 || len(files(t, dir)) != 0 {
		t.Errorf("%d definitions asked for, files %v", n, files(t, dir))
	}
	if _, n := starting(t, server, dir); n == 0 {
		t.Error("the second start asked for none")
	}
}

func TestFilesOfNoMoreUseAreRemoved(t *testing.T) {
	server := emulator.Start(t)
	dir := t.TempDir()
	for name, age := range map[string]time.Duration{"metadata-0a.jsonl": 8, ".metadata-0a.jsonl-1": 8, "metadata-0b.jsonl": 6, "notes": 8} {
		path := filepath.Join(dir, name)
		then := time.Now().Add(-age * 24 * time.Hour)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, then, then)); err != nil {
			t.Fatal(err)
		}
	}
	starting(t, server, dir)
	list := files(t, dir)
	if len(list) != 3 || filepath.Base(list[0]) != "metadata-0b.jsonl" && filepath.Base(list[1]) != "metadata-0b.jsonl" || filepath.Base(list[2]) != "notes" {
		t.Errorf("left: %v, want the file of 6 days, the new one and what is none of ours", list)
	}
}

package tools

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// find returns the tool called name as it is offered.
func find(t *testing.T, name string) Tool {
	t.Helper()
	for _, tool := range Catalogue() {
		if tool.Name == name {
			return tool
		}
	}
	t.Fatalf("tool %s is not in the catalogue", name)
	return Tool{}
}

func TestToolNamesAreVerbAndNoun(t *testing.T) {
	verbNoun := regexp.MustCompile(`^[a-z]+(_[a-z0-9]+)+$`)
	seen := map[string]bool{}
	for _, tool := range Catalogue() {
		if !verbNoun.MatchString(tool.Name) || len(tool.Name) > 64 {
			t.Errorf("tool %q: want a name like delete_record of at most 64 characters", tool.Name)
		}
		if seen[tool.Name] {
			t.Errorf("tool %q is in the catalogue twice", tool.Name)
		}
		seen[tool.Name] = true
	}
}

func TestToolsAreDescribed(t *testing.T) {
	for _, tool := range Catalogue() {
		if tool.Title == "" || strings.HasSuffix(tool.Title, ".") {
			t.Errorf("tool %s: title %q, want a title without a full stop", tool.Name, tool.Title)
		}
		if len(tool.Doc) < 20 || !strings.HasSuffix(tool.Doc, ".") {
			t.Errorf("tool %s: description %q, want whole sentences", tool.Name, tool.Doc)
		}
		if tool.Effect < Reads || tool.Effect > Destroys {
			t.Errorf("tool %s: effect %d, want one of the four", tool.Name, tool.Effect)
		}
	}
}

func TestEveryToolHasAScript(t *testing.T) {
	for _, tool := range Catalogue() {
		if _, err := os.Stat("../test/testdata/" + tool.Name + ".txtar"); err != nil {
			t.Errorf("tool %s has no script that runs it: %v", tool.Name, err)
		}
	}
}

func TestEffectYieldsTheAnnotations(t *testing.T) {
	for effect, want := range map[Effect]Hints{
		Reads:    {ReadOnly: true, Idempotent: true, OpenWorld: true},
		Adds:     {OpenWorld: true},
		Changes:  {Destructive: true, Idempotent: true, OpenWorld: true},
		Destroys: {Destructive: true, Idempotent: true, OpenWorld: true},
	} {
		if got := effect.Hints(); got != want {
			t.Errorf("%s: got %+v, want %+v", effect, got, want)
		}
	}
}

func TestSchemasAreOnePieceAndClosed(t *testing.T) {
	set := newSet(t, Options{})
	for _, offer := range set.Offers() {
		for part, schema := range map[string]json.RawMessage{"input": offer.Input, "output": offer.Output} {
			for _, noise := range []string{`"$ref"`, `"$defs"`, `"$schema"`, `"$id"`, `:true`} {
				if strings.Contains(string(schema), noise) {
					t.Errorf("tool %s: %s schema contains %s: %s", offer.Name, part, noise, schema)
				}
			}
			var top struct {
				Type                 string `json:"type"`
				AdditionalProperties *bool  `json:"additionalProperties"`
			}
			if err := json.Unmarshal(schema, &top); err != nil {
				t.Fatal(err)
			}
			if top.Type != "object" || top.AdditionalProperties == nil || *top.AdditionalProperties {
				t.Errorf("tool %s: %s schema is no closed object: %s", offer.Name, part, schema)
			}
		}
	}
}

func TestReadOnlyOffersNothingThatChanges(t *testing.T) {
	for _, offer := range newSet(t, Options{ReadOnly: true}).Offers() {
		if offer.Effect != Reads {
			t.Errorf("read-only set offers %s, which %s", offer.Name, offer.Effect)
		}
	}
	if got := len(newSet(t, Options{ReadOnly: true}).Offers()); got == 0 {
		t.Error("read-only set: got no tools, want those that read")
	}
}

func newSet(t *testing.T, o Options) *Set {
	t.Helper()
	set, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

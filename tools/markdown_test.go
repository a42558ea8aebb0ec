package tools

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestToolsPageIsCurrent(t *testing.T) {
	want, err := Markdown()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../docs/tools.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/tools.md is not what make generate writes (-generated +file):\n%s", diff)
	}
}

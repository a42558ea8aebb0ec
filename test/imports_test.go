package test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/dynamics-mcp/dynamics-mcp/"

// arrows says which rooms a room may reach, in any number of steps. It is the drawing in docs/architecture.md; what is
// not drawn is not allowed.
var arrows = map[string][]string{
	"cmd/dynamics-mcp":         {"server", "observe", "tools", "dataverse", "dataverse/fetchxml", "dataverse/odata", "dataverse/sql", "auth", "emulator", "emulator/schema", "emulator/seed", "emulator/store"},
	"server":                   {"tools", "dataverse", "dataverse/fetchxml", "dataverse/odata", "dataverse/sql"},
	"observe":                  {"tools", "dataverse", "dataverse/fetchxml", "dataverse/odata", "dataverse/sql"},
	"tools":                    {"dataverse", "dataverse/fetchxml", "dataverse/odata", "dataverse/sql"},
	"dataverse":                {"dataverse/fetchxml", "dataverse/odata", "dataverse/sql"},
	"dataverse/fetchxml":       {},
	"dataverse/odata":          {},
	"dataverse/sql":            {},
	"auth":                     {},
	"emulator":                 {"dataverse/fetchxml", "dataverse/odata", "dataverse/sql", "emulator/schema", "emulator/seed", "emulator/store"},
	"emulator/seed":            {"emulator/schema", "emulator/store"},
	"emulator/store":           {"emulator/schema"},
	"emulator/schema":          {},
	"emulator/schema/generate": {},
}

func TestRoomsImportOnlyWhatTheArchitectureDraws(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}}:{{join .Deps " "}}`, module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(strings.TrimSpace(string(out))) {
		path, deps, _ := strings.Cut(strings.TrimSpace(line), ":")
		room := strings.TrimPrefix(path, module)
		if room == "test" {
			continue
		}
		allowed, drawn := arrows[room]
		if !drawn {
			t.Errorf("%s: a room that the architecture does not draw", room)
		}
		seen[room] = true
		for dep := range strings.FieldsSeq(deps) {
			if other, ours := strings.CutPrefix(dep, module); ours && !slices.Contains(allowed, other) {
				t.Errorf("%s reaches %s, which the architecture does not allow", room, other)
			}
		}
	}
	for room := range arrows {
		if !seen[room] {
			t.Errorf("%s is drawn but does not exist", room)
		}
	}
}

func TestTheTestingPackageStaysOutOfTheProduct(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"cmd/dynamics-mcp").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		if dep == "testing" || dep == "net/http/httptest" {
			t.Errorf("the product links %s", dep)
		}
	}
}

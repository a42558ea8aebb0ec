package dataverse_test

import (
	"slices"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

func TestTablesThatAreDeletedWithARowAreNamed(t *testing.T) {
	c := emulated(t)
	found, err := c.DeletedWith(t.Context(), "Account")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, table := range found {
		names = append(names, table.LogicalName)
	}
	for name, want := range map[string]bool{"contact": true, "task": true, "annotation": true, "account": false, "systemuser": false} {
		if slices.Contains(names, name) != want {
			t.Errorf("deleted with an account: got %v, want %s among them: %v", names, name, want)
		}
	}
	if slices.Index(names, "contact") > slices.Index(names, "task") || slices.Index(names, "task") > slices.Index(names, "customeraddress") {
		t.Errorf("got %v, want what people own first and what nobody owns last", names)
	}
	if _, err := c.DeletedWith(t.Context(), "acount"); dataverse.KindOf(err) != dataverse.NotFound {
		t.Errorf("unknown table: got %v, want not_found", err)
	}
}

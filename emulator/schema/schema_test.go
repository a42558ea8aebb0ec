package schema

import (
	"strings"
	"testing"
)

func TestEveryLineOfTheEmbeddedTablesParses(t *testing.T) {
	s, err := parse(embedded)
	if err != nil {
		t.Fatal(err)
	}
	columns := 0
	for _, table := range s.Tables {
		columns += len(table.Columns)
	}
	if len(s.Tables) != 94 || columns != 6310 {
		t.Errorf("got %d tables with %d columns, want 94 with 6310 (93 documented ones and owner)", len(s.Tables), columns)
	}
}

func TestEveryTableHasItsPrimaryColumns(t *testing.T) {
	for _, table := range Load().Tables {
		if c := table.Column(table.PrimaryID); c == nil || !c.PrimaryID {
			t.Errorf("%s: primary id %q is not a column marked so", table.Logical, table.PrimaryID)
		}
		if table.PrimaryName != "" && table.Column(table.PrimaryName) == nil {
			t.Errorf("%s: primary name %q is not a column", table.Logical, table.PrimaryName)
		}
	}
}

func TestEveryRelationshipEndsInColumnsThatExist(t *testing.T) {
	s := Load()
	for _, table := range s.Tables {
		for _, r := range table.ManyToOne {
			c := table.Column(r.Attribute)
			if c == nil || !c.IsLookup() && c.Type != Uniqueidentifier && c.Type != PartyList {
				t.Errorf("%s: %s.%s is not a lookup", r.Schema, table.Logical, r.Attribute)
			}
			one := s.Table(r.Referenced)
			if one == nil || one.Column(r.ReferencedAttribute) == nil {
				t.Errorf("%s: no column %s.%s", r.Schema, r.Referenced, r.ReferencedAttribute)
			}
			if r.ReferencingNav == "" || r.ReferencedNav == "" {
				t.Errorf("%s: navigation property without a name", r.Schema)
			}
		}
	}
}

func TestNavigationNamesAreDistinctWithinATable(t *testing.T) {
	for _, table := range Load().Tables {
		seen := map[string]string{}
		note := func(nav, relationship string) {
			if other, ok := seen[nav]; ok && other != relationship {
				t.Errorf("%s: %s leads along %s and %s", table.Logical, nav, other, relationship)
			}
			seen[nav] = relationship
		}
		for _, r := range table.ManyToOne {
			note(r.ReferencingNav, r.Schema)
		}
		for _, r := range table.OneToMany {
			if r.Referencing != r.Referenced || r.ReferencedNav != r.ReferencingNav {
				note(r.ReferencedNav, r.Schema)
			}
		}
	}
}

func TestPolymorphicLookupsNameTheirTargetInTheNavigation(t *testing.T) {
	r := Load().Table("opportunity").Lookup("customerid", "account")
	if r == nil || r.ReferencingNav != "customerid_account" {
		t.Errorf("opportunity.customerid to account: got %+v, want navigation customerid_account", r)
	}
	if nav, ok := Load().Table("account").Nav("Account_Tasks"); !ok || nav.Many == nil || nav.Many.Referencing != "task" {
		t.Errorf("account.Account_Tasks: got %+v, want the tasks regarding it", nav)
	}
}

func TestAWrongLineIsNamed(t *testing.T) {
	_, err := parse("T\taccount\nX\n")
	if err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("got %v, want an error that names line 1 (no type code)", err)
	}
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := parse(embedded); err != nil {
			b.Fatal(err)
		}
	}
}

package schema

import (
	"maps"
	"slices"
	"strings"
)

// Link makes what follows from the tables, choices and relationships: names to find them by, both ends of every
// relationship, and the options of columns that share a choice. Call it after a change of a clone.
func (s *Schema) Link() {
	slices.SortFunc(s.Tables, func(a, b *Table) int { return strings.Compare(a.Logical, b.Logical) })
	slices.SortFunc(s.Choices, func(a, b *Choice) int { return strings.Compare(a.Name, b.Name) })
	s.byName, s.bySet = make(map[string]*Table, len(s.Tables)), make(map[string]*Table, len(s.Tables))
	for _, t := range s.Tables {
		s.byName[t.Logical], s.bySet[t.Set] = t, t
		t.OneToMany, t.ManyToMany, t.navs = nil, nil, map[string]Nav{}
		t.columns = make(map[string]*Column, len(t.Columns))
		for _, c := range t.Columns {
			t.columns[c.Logical], c.Table = c, t
			if c.GlobalOptionSet {
				c.Options = s.Choice(c.OptionSet).Options
			}
		}
	}
	s.linkLookups()
	s.linkManyToMany()
}

func (s *Schema) linkLookups() {
	for _, t := range s.Tables {
		for _, r := range t.ManyToOne {
			t.navs[r.ReferencingNav] = Nav{One: r}
			if one := s.byName[r.Referenced]; one != nil {
				one.OneToMany = append(one.OneToMany, r)
				one.navs[r.ReferencedNav] = Nav{Many: r}
			}
		}
	}
}

func (s *Schema) linkManyToMany() {
	for _, m := range s.many {
		first, second := s.byName[m.Entity1], s.byName[m.Entity2]
		first.ManyToMany = append(first.ManyToMany, m)
		first.navs[m.Nav1] = Nav{Across: m, First: true}
		if second != first {
			second.ManyToMany = append(second.ManyToMany, m)
		}
		second.navs[m.Nav2] = Nav{Across: m, First: second == first && m.Nav1 == m.Nav2}
	}
}

// Choice finds a shared choice by name, nil if there is none.
func (s *Schema) Choice(name string) *Choice {
	i, ok := slices.BinarySearchFunc(s.Choices, name, func(c *Choice, name string) int { return strings.Compare(c.Name, name) })
	if !ok {
		return nil
	}
	return s.Choices[i]
}

// gatherChoices makes a choice of every set of options that a column says to be global.
func (s *Schema) gatherChoices() {
	seen := map[string]*Choice{}
	slices.SortFunc(s.Tables, func(a, b *Table) int { return strings.Compare(a.Logical, b.Logical) })
	for _, t := range s.Tables {
		for _, c := range t.Columns {
			if c.GlobalOptionSet && seen[c.OptionSet] == nil {
				seen[c.OptionSet] = &Choice{Name: c.OptionSet, Display: c.Display, Type: c.Type, Options: c.Options,
					MetadataID: id("optionset", c.OptionSet)}
			}
		}
	}
	s.Choices = slices.Collect(maps.Values(seen))
}

// Clone copies the schema, so that the copy can be changed while others read the original. What is reached through
// Extras is shared: replace it, do not write into it.
func (s *Schema) Clone() *Schema {
	c := &Schema{Version: s.Version, Deleted: slices.Clone(s.Deleted), Tables: make([]*Table, len(s.Tables)),
		Choices: copies(s.Choices), many: copies(s.many)}
	for i, t := range s.Tables {
		table := *t
		table.Columns, table.ManyToOne, table.Keys = copies(t.Columns), copies(t.ManyToOne), slices.Clone(t.Keys)
		for _, column := range table.Columns {
			column.Options, column.Targets = slices.Clone(column.Options), slices.Clone(column.Targets)
		}
		c.Tables[i] = &table
	}
	for _, choice := range c.Choices {
		choice.Options = slices.Clone(choice.Options)
	}
	c.Link()
	return c
}

func copies[T any](all []*T) []*T {
	made := make([]*T, len(all))
	values := make([]T, len(all)) // one allocation for all
	for i, v := range all {
		values[i] = *v
		made[i] = &values[i]
	}
	return made
}

// Latest is the version of the last change of a column, of its choice, or of an option in it.
func (s *Schema) Latest(c *Column) int64 {
	latest := c.Version
	if c.GlobalOptionSet {
		latest = max(latest, s.Choice(c.OptionSet).Version)
	}
	for _, o := range c.Options {
		latest = max(latest, o.Version)
	}
	return latest
}

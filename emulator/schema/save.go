package schema

import (
	"encoding/json"
	"fmt"
	"slices"
)

// saved is what of a schema differs from the embedded one.
type saved struct {
	Version    int64
	Deleted    []Deletion
	Tables     []*Table
	Choices    []*Choice
	ManyToMany []*ManyToMany
}

// Save returns what of the schema differs from the embedded one.
func (s *Schema) Save() ([]byte, error) {
	made := saved{Version: s.Version, Deleted: s.Deleted}
	for _, t := range s.Tables {
		if t.Changed {
			made.Tables = append(made.Tables, t)
		}
	}
	for _, c := range s.Choices {
		if c.Changed {
			made.Choices = append(made.Choices, c)
		}
	}
	for _, m := range s.many {
		if m.Changed {
			made.ManyToMany = append(made.ManyToMany, m)
		}
	}
	return json.Marshal(made)
}

// Restore is the schema with what Save returned.
func (s *Schema) Restore(data []byte) (*Schema, error) {
	var made saved
	if err := json.Unmarshal(data, &made); err != nil {
		return nil, fmt.Errorf("read the schema's changes: %w", err)
	}
	c := s.Clone()
	c.Version, c.Deleted = made.Version, made.Deleted
	c.Tables = merge(c.Tables, made.Tables, func(t *Table) string { return t.Logical })
	c.Choices = merge(c.Choices, made.Choices, func(o *Choice) string { return o.Name })
	c.many = merge(c.many, made.ManyToMany, func(m *ManyToMany) string { return m.Schema })
	c.Link()
	return c, nil
}

// merge replaces what has the same name and adds the rest.
func merge[T any](all, others []*T, name func(*T) string) []*T {
	for _, other := range others {
		i := slices.IndexFunc(all, func(v *T) bool { return name(v) == name(other) })
		if i < 0 {
			all = append(all, other)
			continue
		}
		all[i] = other
	}
	return all
}

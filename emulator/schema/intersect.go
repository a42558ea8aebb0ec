package schema

// Intersect is the table behind a many-to-many relationship by its name, where it is no table of the schema itself: an
// id and the ids of both ends. It is nil if there is none.
func (s *Schema) Intersect(name string) *Table {
	t := &Table{Logical: name, PrimaryID: name + "id", Intersect: true, columns: map[string]*Column{}}
	for _, end := range s.Tables {
		for _, m := range end.ManyToMany {
			if m.Intersect != name {
				continue
			}
			t.add(m.Attribute1)
			t.add(m.Attribute2)
		}
	}
	if len(t.Columns) == 0 {
		return nil
	}
	t.add(t.PrimaryID)
	return t
}

// add adds a column of ids.
func (t *Table) add(name string) {
	if t.columns[name] != nil {
		return
	}
	c := &Column{Table: t, Logical: name, Type: Uniqueidentifier, Read: true, Property: true, PrimaryID: name == t.PrimaryID}
	t.columns[name] = c
	t.Columns = append(t.Columns, c)
}

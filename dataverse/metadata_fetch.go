package dataverse

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Tables lists the tables of the environment by logical name. The list is shared between callers: do not change it.
func (c *Client) Tables(ctx context.Context) ([]TableInfo, error) {
	d, err := c.directory(ctx)
	if err != nil {
		return nil, during("list tables", err)
	}
	return d.tables, nil
}

// Table describes the table called name: its logical, set, schema or display name, in any case. It returns NotFound
// with the nearest names when there is none. Each of columns is one that ColumnNamed finds, or the error is its own.
func (c *Client) Table(ctx context.Context, name string, columns ...string) (*Table, error) {
	t, err := current(ctx, c, func() (*Table, error) {
		t, err := c.describe(ctx, name)
		if err != nil {
			return nil, err
		}
		var wrong faults
		for _, name := range columns {
			_, err := t.ColumnNamed(name)
			if err := wrong.take(err); err != nil {
				return nil, err
			}
		}
		return t, wrong.err()
	})
	return t, during("describe table "+name, err)
}

// describe is Table for callers that name their own operation.
func (c *Client) describe(ctx context.Context, name string) (*Table, error) {
	d, err := c.directory(ctx)
	if err != nil {
		return nil, err
	}
	info, err := d.resolve(name)
	if err != nil {
		return nil, err
	}
	for {
		held, err := c.metadata.table.get(ctx, info.LogicalName, func(ctx context.Context) (*heldTable, error) {
			return c.fetchTable(ctx, info.LogicalName)
		})
		if e, ok := errors.AsType[*Error](err); ok && e.Kind == NotFound { // the table is gone, but for the list of them
			e.unknownName = true
		}
		if err != nil {
			return nil, err
		}
		if t, err := held.read(); err == nil {
			return t.Table, nil
		}
		// What the disk has of it cannot be read.
		c.metadata.table.forget(func(_ string, other *heldTable) bool { return other == held })
	}
}

func (c *Client) directory(ctx context.Context) (*directory, error) {
	if err := c.refreshMetadata(ctx, c.metadata.ttl); err != nil {
		return nil, err
	}
	return c.metadata.tables.get(ctx, "", func(ctx context.Context) (*directory, error) {
		var list struct{ Value []tableWire }
		err := c.getDefinitions(ctx, "list tables", "EntityDefinitions", []param{{"$select", tableProperties}}, &list)
		if err != nil {
			return nil, err
		}
		infos, ids := make([]TableInfo, len(list.Value)), map[string]string{}
		for i := range list.Value {
			w := &list.Value[i]
			infos[i] = w.info()
			ids[w.MetadataID] = w.LogicalName
		}
		return newDirectory(infos, ids), nil
	})
}

// choiceCasts are the kinds of column whose choices have to be asked for kind by kind: the service expands OptionSet
// only behind a cast, and one cast a request.
var choiceCasts = [...]struct {
	of     ColumnType
	expand string
}{
	{ChoiceColumn, "OptionSet($select=Options),GlobalOptionSet($select=Options)"},
	{ChoicesColumn, "OptionSet($select=Options),GlobalOptionSet($select=Options)"},
	{StateColumn, "OptionSet($select=Options)"},
	{StatusColumn, "OptionSet($select=Options)"},
	{BooleanColumn, "OptionSet($select=TrueOption,FalseOption)"},
}

// fetchTable asks for everything but the choices in one request, then for the kinds of choices that the table has.
func (c *Client) fetchTable(ctx context.Context, logicalName string) (*heldTable, error) {
	op := "describe table " + logicalName
	path := "EntityDefinitions(LogicalName='" + logicalName + "')"
	var w tableWire
	err := c.getDefinitions(ctx, op, path, []param{
		{"$select", tableProperties + ",Description"},
		// Without $select the attributes come as what they are, with MaxLength, Targets and so on.
		{"$expand", "Attributes,Keys($select=LogicalName,SchemaName,KeyAttributes,EntityKeyIndexStatus)," +
			"ManyToOneRelationships($select=" + relationshipProperties + ")," +
			"OneToManyRelationships($select=" + relationshipProperties + ")," +
			"ManyToManyRelationships($select=" + manyToManyProperties + ")"},
	}, &w)
	if err != nil {
		return nil, err
	}
	t := w.table()
	choices := make([][]choicesWire, len(choiceCasts))
	group, ctx := errgroup.WithContext(ctx)
	for i, cast := range choiceCasts {
		if !slices.ContainsFunc(t.Columns, func(col Column) bool { return col.Type == cast.of }) {
			continue
		}
		group.Go(func() error {
			var list struct{ Value []choicesWire }
			err := c.getDefinitions(ctx, op, path+"/Attributes/Microsoft.Dynamics.CRM."+string(cast.of)+"AttributeMetadata",
				[]param{{"$select", "LogicalName"}, {"$expand", cast.expand}}, &list)
			choices[i] = list.Value
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, list := range choices {
		for _, w := range list {
			if i, ok := t.find(w.LogicalName); ok {
				t.Columns[i].Choices = w.choices()
			}
		}
	}
	return c.metadata.hold(tableParts{Table: t, IDs: w.ids()})
}

func (w *tableWire) table() *Table {
	t := &Table{TableInfo: w.info(), Description: w.Description.text()}
	for i := range w.Attributes {
		if a := &w.Attributes[i]; a.served() {
			t.Columns = append(t.Columns, a.column())
		}
	}
	slices.SortFunc(t.Columns, func(a, b Column) int { return strings.Compare(a.LogicalName, b.LogicalName) })
	for _, k := range w.Keys {
		t.Keys = append(t.Keys, Key{
			Name: cmp.Or(k.LogicalName, k.SchemaName), Columns: k.KeyAttributes,
			Active: k.EntityKeyIndexStatus == "" || k.EntityKeyIndexStatus == "Active",
		})
	}
	t.ManyToOne = relationships(w.ManyToOneRelationships)
	t.OneToMany = relationships(w.OneToManyRelationships)
	for i := range w.ManyToManyRelationships {
		t.ManyToMany = append(t.ManyToMany, w.ManyToManyRelationships[i].manyToMany())
	}
	return t
}

func relationships(wire []relationshipWire) []Relationship {
	list := make([]Relationship, len(wire))
	for i := range wire {
		list[i] = wire[i].relationship()
	}
	slices.SortFunc(list, func(a, b Relationship) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// ids are those of everything that belongs to the table.
func (w *tableWire) ids() []string {
	ids := []string{w.MetadataID}
	for i := range w.Attributes {
		ids = append(ids, w.Attributes[i].MetadataID)
	}
	for _, k := range w.Keys {
		ids = append(ids, k.MetadataID)
	}
	for _, r := range slices.Concat(w.OneToManyRelationships, w.ManyToOneRelationships) {
		ids = append(ids, r.MetadataID)
	}
	for i := range w.ManyToManyRelationships {
		ids = append(ids, w.ManyToManyRelationships[i].MetadataID)
	}
	return ids
}

// getDefinitions is getJSON for metadata. While the schema changes, no server may answer from what it remembers.
func (c *Client) getDefinitions(ctx context.Context, op, path string, query []param, into any) error {
	r := request{op: op, method: http.MethodGet, path: path, query: query}
	if c.metadata.unsettled() {
		r.header = []param{{"Consistency", "Strong"}}
	}
	return c.read(ctx, r, into)
}

// getJSON asks for a document that is no table row.
func (c *Client) getJSON(ctx context.Context, op, path string, query []param, into any) error {
	return c.read(ctx, request{op: op, method: http.MethodGet, path: path, query: query}, into)
}

func (c *Client) read(ctx context.Context, r request, into any) error {
	a, err := c.do(ctx, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		return c.badAnswer(r.op, a, err)
	}
	return nil
}

// badAnswer is the error of a success that holds something else than was promised.
func (c *Client) badAnswer(op string, a *answer, err error) *Error {
	e := &Error{Op: op, Kind: Internal, Status: a.status, RequestID: requestID(a.header), Err: err,
		Message: "the answer cannot be read"}
	if isHTML(a.header, a.body) { // a sign-in page or a portal
		e.Kind, e.Message = Unavailable, "answered with a web page instead of data: check the environment URL"
	}
	return e
}

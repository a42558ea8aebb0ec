package dataverse

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

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
	t, err := current(c, func() (*Table, error) {
		t, err := c.describe(ctx, name)
		for i := 0; i < len(columns) && err == nil; i++ {
			_, err = t.ColumnNamed(columns[i])
		}
		return t, err
	})
	return t, during("describe table "+name, err)
}

// youngMetadata is the age up to which metadata is believed when it lacks a name.
const youngMetadata = time.Minute

// current runs f, and once more with metadata of now when it met an unknown name and the metadata is not young: the
// table, column or choice may have been added since.
func current[T any](c *Client, f func() (T, error)) (T, error) {
	v, err := f()
	e, ok := errors.AsType[*Error](err)
	if !ok || !e.unknownName {
		return v, err
	}
	tables, table := c.tables.forget(youngMetadata), c.table.forget(youngMetadata)
	if !tables && !table {
		return v, err
	}
	return f()
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
	return c.table.get(ctx, info.LogicalName, func(ctx context.Context) (*Table, error) {
		return c.fetchTable(ctx, info.LogicalName)
	})
}

func (c *Client) directory(ctx context.Context) (*directory, error) {
	return c.tables.get(ctx, "", func(ctx context.Context) (*directory, error) {
		var list struct{ Value []tableWire }
		err := c.getJSON(ctx, "list tables", "EntityDefinitions", []param{{"$select", tableProperties}}, &list)
		if err != nil {
			return nil, err
		}
		infos := make([]TableInfo, len(list.Value))
		for i := range list.Value {
			infos[i] = list.Value[i].info()
		}
		return newDirectory(infos), nil
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
func (c *Client) fetchTable(ctx context.Context, logicalName string) (*Table, error) {
	op := "describe table " + logicalName
	path := "EntityDefinitions(LogicalName='" + logicalName + "')"
	var w tableWire
	err := c.getJSON(ctx, op, path, []param{
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
			err := c.getJSON(ctx, op, path+"/Attributes/Microsoft.Dynamics.CRM."+string(cast.of)+"AttributeMetadata",
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
	return t, nil
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

// getJSON asks for a document that is no table row.
func (c *Client) getJSON(ctx context.Context, op, path string, query []param, into any) error {
	a, err := c.do(ctx, request{op: op, method: http.MethodGet, path: path, query: query})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		return c.badAnswer(op, a, err)
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

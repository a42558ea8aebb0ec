package dataverse

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// schemaTimeout is what a change of the schema may take at least: the service changes its tables meanwhile.
const schemaTimeout = 2 * time.Minute

// CreateColumn adds a column to a table and returns its MetadataId. The definition is one that the Web API takes: an
// object with @odata.type and SchemaName. It is Conflict or Invalid, as the service says, when there is such a column.
func (c *Client) CreateColumn(ctx context.Context, table string, definition json.RawMessage) (id string, err error) {
	op := "create column of " + table
	t, err := current(ctx, c, func() (*Table, error) { return c.describe(ctx, table) })
	if err == nil {
		err = isObject(definition)
	}
	if err != nil {
		return "", during(op, err)
	}
	a, err := c.do(ctx, schemaWrite(op, http.MethodPost, attributesOf(t), definition))
	if err != nil {
		return "", err
	}
	ids := guidsPattern.FindAllString(strings.ToLower(a.header.Get("OData-EntityId")), -1)
	if len(ids) == 0 {
		return "", c.badAnswer(op, a, nil)
	}
	return ids[len(ids)-1], nil
}

// UpdateColumn replaces the definition of a column by one that the Web API takes. What the definition leaves out gets
// its default; labels in other languages stay.
func (c *Client) UpdateColumn(ctx context.Context, table, column string, definition json.RawMessage) error {
	op := "update column " + column + " of " + table
	t, col, err := c.columnOf(ctx, table, column)
	if err == nil {
		err = isObject(definition)
	}
	if err != nil {
		return during(op, err)
	}
	r := schemaWrite(op, http.MethodPut, attributesOf(t)+"(LogicalName='"+col.LogicalName+"')", definition)
	r.header = []param{{"MSCRM.MergeLabels", "true"}}
	r.repeatable = true
	_, err = c.do(ctx, r)
	return err
}

// DeleteColumn removes a column and all that rows hold in it. The service refuses while something depends on it.
func (c *Client) DeleteColumn(ctx context.Context, table, column string) error {
	op := "delete column " + column + " of " + table
	t, col, err := c.columnOf(ctx, table, column)
	if err != nil {
		return during(op, err)
	}
	_, err = c.do(ctx, schemaWrite(op, http.MethodDelete, attributesOf(t)+"(LogicalName='"+col.LogicalName+"')", nil))
	return err
}

func (c *Client) columnOf(ctx context.Context, table, column string) (*Table, *Column, error) {
	var col *Column
	t, err := current(ctx, c, func() (*Table, error) {
		t, err := c.describe(ctx, table)
		if err == nil {
			col, err = t.ColumnNamed(column)
		}
		return t, err
	})
	return t, col, err
}

func attributesOf(t *Table) string {
	return "EntityDefinitions(LogicalName='" + t.LogicalName + "')/Attributes"
}

func schemaWrite(op, method, path string, definition json.RawMessage) request {
	return request{op: shortened(op, maxOp), method: method, path: path, body: definition, timeout: schemaTimeout}
}

func isObject(definition json.RawMessage) error {
	if !json.Valid(definition) || !bytes.HasPrefix(bytes.TrimSpace(definition), []byte("{")) {
		return invalid("definition: want a JSON object such as %s",
			`{"@odata.type":"Microsoft.Dynamics.CRM.StringAttributeMetadata","SchemaName":"new_Code",…}`)
	}
	return nil
}

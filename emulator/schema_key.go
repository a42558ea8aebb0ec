package emulator

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// keyTypes are the types of columns that an alternate key may consist of.
var keyTypes = []schema.Type{schema.Decimal, schema.Integer, schema.String, schema.DateTime, schema.Lookup, schema.Picklist}

// maxKeys is how many alternate keys a table may have.
const maxKeys = 10

func (c *call) createKey(table, set string, g given) error {
	if err := elasticKey(c.schema.Table(table)); err != nil {
		return err
	}
	k, err := c.newKey(c.schema.Table(table), g)
	if err != nil {
		return err
	}
	err = c.customize(func(ctx context.Context, d *draft) error {
		t := d.Table(table)
		k = d.AddKey(t, k, d.version)
		return d.execute(ctx, store.AddKey(t, k)...)
	})
	if err != nil {
		return err
	}
	return c.defined(set + "(" + k.MetadataID.String() + ")")
}

func (c *call) newKey(t *schema.Table, g given) (schema.Key, error) {
	name, logical, err := newName(g, "SchemaName")
	if err != nil {
		return schema.Key{}, err
	}
	k := schema.Key{Logical: logical, Schema: name, Attributes: g.texts("KeyAttributes")}
	labels{extras: &k.Extras}.put(&k.Display, "DisplayName", g.value("DisplayName"))
	if len(k.Attributes) == 0 {
		return k, fail(http.StatusBadRequest, codeInvalidArgument, "Required field 'KeyAttributes' is missing")
	}
	if len(t.Keys) >= maxKeys {
		return k, fail(http.StatusBadRequest, codeInvalidArgument, "The entity %s has %d keys already, which is the most that there can be.", t.Logical, maxKeys)
	}
	for _, attribute := range k.Attributes {
		column := t.Column(attribute)
		if column == nil {
			return k, fail(http.StatusBadRequest, codeNotFound, "Could not find an attribute with name %s and id 00000000-0000-0000-0000-000000000000.", attribute)
		}
		if !slices.Contains(keyTypes, column.Type) || !column.Stored() || column.Secured {
			return k, fail(http.StatusBadRequest, codeInvalidArgument, "The attribute %s of type %s cannot be part of a key.", attribute, column.Type)
		}
	}
	for _, other := range t.Keys {
		if other.Logical == logical {
			return k, fail(http.StatusBadRequest, codeKeyNameExists, "A key with the name %s already exists on the entity %s. Specify a unique name.", logical, t.Logical)
		}
		if strings.Join(slices.Sorted(slices.Values(other.Attributes)), ",") == strings.Join(slices.Sorted(slices.Values(k.Attributes)), ",") {
			return k, fail(http.StatusBadRequest, codeKeyColumnsExist, "The key %s of the entity %s has the same attributes.", other.Logical, t.Logical)
		}
	}
	return k, nil
}

func (c *call) deleteKey(table, logical string) error {
	if err := elasticKey(c.schema.Table(table)); err != nil {
		return err
	}
	return c.customize(func(ctx context.Context, d *draft) error {
		t := d.Table(table)
		i := slices.IndexFunc(t.Keys, func(k schema.Key) bool { return k.Logical == logical })
		if err := d.execute(ctx, store.DropKey(t, t.Keys[i])...); err != nil {
			return err
		}
		d.RemoveKey(t, logical, d.version)
		return nil
	})
}

package emulator

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// The actions that make a lookup to several tables, with a relationship to each of them.
var (
	createPolymorphicLookupAttribute = lookupMessage("CreatePolymorphicLookupAttribute", schema.Lookup)
	createCustomerRelationships      = lookupMessage("CreateCustomerRelationships", schema.Customer)
)

func lookupMessage(name string, kind schema.Type) message {
	result := name + "Response"
	return message{name: name, action: true, customizes: true, result: result,
		parameters: []parameter{
			{name: "OneToManyRelationships", kind: "Collection(ComplexOneToManyRelationshipMetadata)"},
			{name: "Lookup", kind: "ComplexLookupAttributeMetadata"},
			{name: "SolutionUniqueName", kind: "Edm.String", optional: true},
		},
		answer: func(c *call, args arguments) error {
			many, column, lookup, err := c.givenLookup(kind, args)
			if err != nil {
				return err
			}
			relationships, definitions, err := c.givenRelationships(many, column, args.items("OneToManyRelationships"))
			if err != nil {
				return err
			}
			err = c.customize(func(ctx context.Context, d *draft) error {
				if err := c.addColumn(ctx, d, d.Table(many.Logical), column, lookup); err != nil {
					return err
				}
				for i, r := range relationships {
					d.AddRelationship(r, d.version)
					definitions[i].keep(newMetadata(d.Schema, nil, nil).oneToMany([]*schema.Relationship{r})[0], &r.Extras)
				}
				return nil
			})
			if err != nil {
				return err
			}
			return c.answerLookup(result, column, relationships)
		}}
}

func (c *call) answerLookup(result string, column *schema.Column, relationships []*schema.Relationship) error {
	ids := make([]string, len(relationships))
	for i, r := range relationships {
		ids[i] = r.MetadataID.String()
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	o := c.respond(result)
	o.raw("RelationshipIds", list)
	o.text("AttributeId", column.MetadataID.String())
	return c.answer(http.StatusOK, o.bytes())
}

// givenLookup reads the lookup column, with the tables that it is to lead to. Customers are accounts and contacts.
func (c *call) givenLookup(kind schema.Type, args arguments) (many *schema.Table, column *schema.Column, lookup given, err error) {
	var targets []string
	for _, item := range args.items("OneToManyRelationships") {
		g := given{of: nowhere, props: item}
		one, err := c.relatable(g, "ReferencedEntity")
		if err != nil {
			return nil, nil, lookup, err
		}
		other, err := c.relatable(g, "ReferencingEntity")
		if err != nil {
			return nil, nil, lookup, err
		}
		if many != nil && many != other || slices.Contains(targets, one.Logical) {
			return nil, nil, lookup, fail(http.StatusBadRequest, codeInvalidArgument,
				"The relationships of one lookup have the same ReferencingEntity, and each another ReferencedEntity.")
		}
		many, targets = other, append(targets, one.Logical)
	}
	slices.Sort(targets)
	if len(targets) == 0 || kind == schema.Customer && !slices.Equal(targets, []string{"account", "contact"}) {
		return nil, nil, lookup, fail(http.StatusBadRequest, codeInvalidArgument, "OneToManyRelationships has %d relationships that do not fit: "+
			"a customer is an account or a contact, any other lookup has one relationship or more.", len(targets))
	}
	if lookup, err = newGiven(nowhere, loadMetadataTypes().byName["LookupAttributeMetadata"], args.object("Lookup")); err != nil {
		return nil, nil, lookup, err
	}
	column, err = newColumn(c.schema, many, lookup, kind)
	if err == nil {
		column.Targets = targets
	}
	return many, column, lookup, err
}

// givenRelationships reads the relationships of a lookup to several tables.
func (c *call) givenRelationships(many *schema.Table, column *schema.Column, items []members) ([]*schema.Relationship, []given, error) {
	relationships, definitions := make([]*schema.Relationship, len(items)), make([]given, len(items))
	for i, item := range items {
		g, err := newGiven(nowhere, loadMetadataTypes().byName["OneToManyRelationshipMetadata"], item)
		if err != nil {
			return nil, nil, err
		}
		name, err := c.newRelationshipName(g)
		if err != nil {
			return nil, nil, err
		}
		if relationships[i], err = newOneToMany(name, c.schema.Table(g.text("ReferencedEntity")), many, column, g); err != nil {
			return nil, nil, err
		}
		if slices.ContainsFunc(relationships[:i], func(r *schema.Relationship) bool {
			return r.Schema == name || r.ReferencingNav == relationships[i].ReferencingNav
		}) {
			return nil, nil, relationshipExists(name)
		}
		definitions[i] = g
	}
	return relationships, definitions, nil
}

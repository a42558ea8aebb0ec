package emulator

import (
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// Which tables can be in a relationship, and on which side: what tools ask before they offer to make one.
var (
	canBeReferenced             = relatableMessage("CanBeReferenced", inOneToMany)
	canBeReferencing            = relatableMessage("CanBeReferencing", inOneToMany)
	canManyToMany               = relatableMessage("CanManyToMany", inManyToMany)
	getValidReferencedEntities  = relatablesMessage("GetValidReferencedEntities", "ReferencingEntityName", inOneToMany)
	getValidReferencingEntities = relatablesMessage("GetValidReferencingEntities", "ReferencedEntityName", inOneToMany)
	getValidManyToMany          = relatablesMessage("GetValidManyToMany", "", inManyToMany)
)

func inOneToMany(t *schema.Table) bool  { return !t.Abstract && !t.Intersect }
func inManyToMany(t *schema.Table) bool { return inOneToMany(t) && !t.Elastic }

// relatableMessage asks about one table.
func relatableMessage(name string, can func(*schema.Table) bool) message {
	return message{name: name, action: true, parameters: []parameter{{name: "EntityName", kind: "Edm.String"}}, result: name + "Response",
		answer: func(c *call, args arguments) error {
			t := c.schema.Table(args.text("EntityName"))
			if t == nil {
				return noSuchTable(args.text("EntityName"))
			}
			o := c.respond(name + "Response")
			o.any(name, can(t))
			return c.answer(http.StatusOK, o.bytes())
		}}
}

// relatablesMessage asks for all tables, those that go with the table in the parameter where there is one.
func relatablesMessage(name, with string, can func(*schema.Table) bool) message {
	m := message{name: name, result: name + "Response", answer: func(c *call, args arguments) error {
		other := c.schema.Table(args.text(with))
		if args.text(with) != "" && other == nil {
			return noSuchTable(args.text(with))
		}
		names := []string{}
		for _, t := range c.schema.Tables {
			if can(t) && (other == nil || can(other)) {
				names = append(names, t.Logical)
			}
		}
		o := c.respond(name + "Response")
		o.any("EntityNames", names)
		return c.answer(http.StatusOK, o.bytes())
	}}
	if with != "" {
		m.parameters = []parameter{{name: with, kind: "Edm.String", optional: true}}
	}
	return m
}

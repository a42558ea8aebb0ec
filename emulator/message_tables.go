package emulator

import "context"

// createEntities makes tables with their columns: all of them or none. Microsoft's SDK for Python makes its tables by it.
// What it answers is not documented, and that SDK does not read it.
var createEntities = message{
	name:       "CreateEntities",
	action:     true,
	customizes: true,
	parameters: []parameter{
		{name: "Entities", kind: "Collection(ComplexEntityMetadata)"},
		{name: "SolutionUniqueName", kind: "Edm.String", optional: true},
	},
	answer: func(c *call, args arguments) error {
		err := c.customize(func(ctx context.Context, d *draft) error {
			for _, item := range args.items("Entities") {
				g, err := newGiven(nowhere, loadMetadataTypes().byName["EntityMetadata"], item)
				if err != nil {
					return err
				}
				if _, err := c.makeTable(ctx, d, g); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		return c.empty()
	},
}

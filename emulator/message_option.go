package emulator

import (
	"context"
	"net/http"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// optionsOfWhat are the parameters that say which options an action is about.
var optionsOfWhat = []parameter{
	{"OptionSetName", "Edm.String", true}, {"AttributeLogicalName", "Edm.String", true}, {"EntityLogicalName", "Edm.String", true}, {"SolutionUniqueName", "Edm.String", true},
}

// customization makes an action that changes the schema. Its change returns what the answer holds, nil for nothing.
func customization(name, result string, more []parameter, change func(*draft, given) (*int, error)) message {
	parameters := slices.Concat(optionsOfWhat, more)
	return message{name: name, action: true, customizes: true, result: result, parameters: parameters,
		answer: func(c *call, args arguments) error {
			g, err := args.checked(parameters)
			if err != nil {
				return err
			}
			var made *int
			err = c.customize(func(ctx context.Context, d *draft) (err error) {
				if d.firstOption, err = firstOptionOf(ctx, d.tx, args.text("SolutionUniqueName")); err != nil {
					return err
				}
				made, err = change(d, g)
				return err
			})
			switch {
			case err != nil:
				return err
			case made == nil:
				return c.empty()
			}
			o := c.respond(result)
			o.any("NewOptionValue", *made)
			return c.answer(http.StatusOK, o.bytes())
		}}
}

// checked is the arguments as one object, checked to the bottom.
func (a arguments) checked(parameters []parameter) (given, error) {
	g := given{kind: &metadataType{}, of: nowhere}
	for _, p := range parameters {
		value := a.values[p.name]
		if err := g.checkValue(p.kind, value); err != nil {
			return g, err
		}
		g.props = append(g.props, member{p.name, value})
	}
	return g, nil
}

var insertOptionValue = customization("InsertOptionValue", "InsertOptionValueResponse", []parameter{
	{"Value", "Edm.Int32", true}, {"Label", "Label", true}, {"Description", "Label", true}, {"ExternalValue", "Edm.String", true},
	{"ParentValues", "Collection(Edm.Int32)", true}, {"Color", "Edm.String", true},
}, func(d *draft, g given) (*int, error) {
	of, err := d.chosenBy(g)
	if err != nil {
		return nil, err
	}
	if of.kind != schema.Picklist && of.kind != schema.MultiSelect {
		return nil, fail(http.StatusBadRequest, codeOptionType, "Options of type %s cannot be inserted with InsertOptionValue.", of.kind)
	}
	if err := required(g, "Label"); err != nil {
		return nil, err
	}
	value, err := of.insert(d, g, schema.Option{})
	return &value, err
})

var insertStatusValue = customization("InsertStatusValue", "InsertStatusValueResponse", []parameter{
	{"Value", "Edm.Int32", true}, {"Label", "Label", true}, {"Description", "Label", true}, {"StateCode", "Edm.Int32", true}, {"Color", "Edm.String", true},
}, func(d *draft, g given) (*int, error) {
	of, err := d.chosenBy(g)
	if err != nil {
		return nil, err
	}
	if of.kind != schema.Status {
		return nil, fail(http.StatusBadRequest, codeOptionType, "Options of type %s cannot be inserted with InsertStatusValue.", of.kind)
	}
	if err := required(g, "Label"); err != nil {
		return nil, err
	}
	state := g.integer("StateCode", -1)
	if _, ok := d.Table(g.text("EntityLogicalName")).Column("statecode").Option(state); !ok {
		return nil, fail(http.StatusBadRequest, codeInvalidStatus, "%d is not a valid state code on %s.", state, g.text("EntityLogicalName"))
	}
	value, err := of.insert(d, g, schema.Option{State: state})
	return &value, err
})

var updateOptionValue = customization("UpdateOptionValue", "", []parameter{
	{"Value", "Edm.Int32", true}, {"Label", "Label", true}, {"Description", "Label", true}, {"MergeLabels", "Edm.Boolean", true},
	{"ExternalValue", "Edm.String", true}, {"ParentValues", "Collection(Edm.Int32)", true}, {"Color", "Edm.String", true},
}, func(d *draft, g given) (*int, error) {
	of, err := d.chosenBy(g)
	if err != nil {
		return nil, err
	}
	o, err := of.find(g)
	if err != nil {
		return nil, err
	}
	writeOption(o, g, g.flag("MergeLabels", false))
	if g.has("Color") {
		o.Color = g.text("Color")
	}
	o.Version = d.version
	return nil, nil //nolint:nilnil // the answer holds nothing
})

var updateStateValue = customization("UpdateStateValue", "", []parameter{
	{"Value", "Edm.Int32", true}, {"Label", "Label", true}, {"Description", "Label", true}, {"MergeLabels", "Edm.Boolean", true}, {"DefaultStatusCode", "Edm.Int32", true},
}, func(d *draft, g given) (*int, error) {
	of, err := d.chosenBy(g)
	if err != nil {
		return nil, err
	}
	o, err := of.find(g)
	if err != nil {
		return nil, err
	}
	if of.kind != schema.State {
		return nil, fail(http.StatusBadRequest, codeOptionType, "Options of type %s cannot be updated with UpdateStateValue.", of.kind)
	}
	writeOption(o, g, g.flag("MergeLabels", false))
	o.DefaultStatus, o.Version = g.integer("DefaultStatusCode", o.DefaultStatus), d.version
	return nil, nil //nolint:nilnil // the answer holds nothing
})

var deleteOptionValue = customization("DeleteOptionValue", "", []parameter{{"Value", "Edm.Int32", true}},
	func(d *draft, g given) (*int, error) {
		of, err := d.chosenBy(g)
		if err != nil {
			return nil, err
		}
		o, err := of.find(g)
		if err != nil {
			return nil, err
		}
		value := o.Value
		switch of.kind {
		case schema.State, schema.Boolean:
			return nil, fail(http.StatusBadRequest, codeOptionNoDelete, "Options of type %s cannot be deleted.", of.kind)
		case schema.Status:
			for _, state := range d.Table(g.text("EntityLogicalName")).Column("statecode").Options {
				if state.DefaultStatus == value {
					return nil, fail(http.StatusBadRequest, codeDefaultStatus, "The status %d is the default of the state %s and cannot be deleted.", value, state.Label)
				}
			}
		}
		*of.options = slices.DeleteFunc(*of.options, func(o schema.Option) bool { return o.Value == value })
		of.changed()
		return nil, nil //nolint:nilnil // the answer holds nothing
	})

var orderOption = customization("OrderOption", "", []parameter{{"Values", "Collection(Edm.Int32)", true}},
	func(d *draft, g given) (*int, error) {
		of, err := d.chosenBy(g)
		if err != nil {
			return nil, err
		}
		var ordered []schema.Option
		items, _ := g.value("Values").([]any)
		for _, item := range items {
			o, err := of.find(given{props: members{{"Value", item}}})
			if err != nil {
				return nil, err
			}
			ordered = append(ordered, *o)
		}
		if len(ordered) != len(*of.options) || slices.ContainsFunc(*of.options, func(o schema.Option) bool {
			return !slices.ContainsFunc(ordered, func(other schema.Option) bool { return other.Value == o.Value })
		}) {
			return nil, fail(http.StatusBadRequest, codeOptionOperation, "The values must be all %d option values of %s, each once.", len(*of.options), of.name)
		}
		*of.options = ordered
		of.changed()
		return nil, nil //nolint:nilnil // the answer holds nothing
	})

package emulator

import (
	"net/http"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// message is a function or an action that is called by its name below the service root.
type message struct {
	name       string
	action     bool // called with POST; a function is called with GET
	parameters []parameter
	optional   []string // parameters that may be left out
	result     string   // complex type of the answer; "" is none
	answer     func(*call, arguments) error
}

// parameter is a parameter of a message, with its type as the metadata names it.
type parameter struct{ name, kind string }

// messages are those that the emulator knows: one file each, one line here.
var messages = []message{
	retrieveCurrentOrganization,
	retrieveMetadataChanges,
	retrieveTotalRecordCount,
	retrieveVersion,
	whoAmI,
}

// messageRoute finds the message that a path starts with. Real services take its name in any case.
func (c *call) messageRoute(s odata.Segment) (func() error, bool) {
	i := slices.IndexFunc(messages, func(m message) bool { return strings.EqualFold(m.name, s.Name) })
	if i < 0 {
		return nil, false
	}
	return func() error { return c.callMessage(messages[i], s) }, true
}

func (c *call) callMessage(m message, s odata.Segment) error {
	method := http.MethodGet
	if m.action {
		method = http.MethodPost
	}
	if c.r.Method != method {
		return fail(http.StatusMethodNotAllowed, codeNotSupported,
			"The requested resource does not support http method '%s'.", c.r.Method)
	}
	if len(c.path) > 1 {
		return noSuchSegment(c.path[1].Name)
	}
	args, err := c.arguments(m, s)
	if err != nil {
		return err
	}
	return m.answer(c, args)
}

// arguments are a function's arguments by parameter name.
type arguments map[string]odata.Expr

// arguments reads the arguments, in place or through an alias. A function is found by the names of its parameters: with
// others it does not exist.
func (c *call) arguments(m message, s odata.Segment) (arguments, error) {
	if s.Key != nil {
		return nil, noSuchSegment(s.Name)
	}
	args := arguments{}
	for _, a := range s.Args {
		if !slices.ContainsFunc(m.parameters, func(p parameter) bool { return p.name == a.Name }) || args[a.Name] != nil {
			return nil, noSuchSegment(s.Name)
		}
		value, err := c.resolveAlias(a.Value)
		if err != nil {
			return nil, err
		}
		args[a.Name] = value
	}
	for _, p := range m.parameters {
		if args[p.name] == nil && !slices.Contains(m.optional, p.name) {
			return nil, noSuchSegment(s.Name)
		}
	}
	return args, nil
}

// resolveAlias replaces @p by the value that the query string gives it. An alias without one is null.
func (c *call) resolveAlias(e odata.Expr) (odata.Expr, error) {
	alias, ok := e.(*odata.Alias)
	if !ok {
		return e, nil
	}
	text, given := c.query["@"+alias.Name]
	if !given {
		return &odata.Literal{Kind: odata.Null}, nil
	}
	return odata.ParseValue(text[0])
}

// texts reads an argument that is a collection of strings.
func (a arguments) texts(name string) ([]string, error) {
	if l, ok := a[name].(*odata.Literal); ok && l.Kind == odata.Null {
		return nil, fail(http.StatusBadRequest, codeInvalidArgument, "Required field '%s' is missing", name)
	}
	list, ok := a[name].(*odata.List)
	if !ok {
		return nil, badRequest("The argument '%s' is not a collection of strings: %s", name, a[name])
	}
	texts := make([]string, 0, len(list.Items))
	for _, item := range list.Items {
		l, ok := item.(*odata.Literal)
		if !ok || l.Kind != odata.String {
			return nil, badRequest("The argument '%s' is not a collection of strings: %s", name, a[name])
		}
		texts = append(texts, l.Value)
	}
	return texts, nil
}

// respond starts a message's answer, of the type that the message declares.
func (c *call) respond(kind string) object {
	var o object
	c.writeContext(&o, c.root+"$metadata#Microsoft.Dynamics.CRM."+kind)
	return o
}

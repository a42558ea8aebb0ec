// Package tools holds the tools that an MCP client sees: one file a tool, each
// with what the model reads, the handler and its types. Handlers speak of
// tables, columns and rows; how a call reaches them and how an answer leaves is
// decided here once for all.
package tools

import (
	"context"
	"encoding/json"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// Spec is what a client reads of a tool before it calls it.
type Spec struct {
	Name   string // verb_noun, snake_case, at most 64 characters
	Title  string // for people
	Doc    string // for the model
	Effect Effect
}

// Effect is what a call may do to the environment. The annotations, the
// read-only filter and the docs column follow from it.
type Effect int

// The effects, from harmless to final.
const (
	Reads    Effect = iota + 1 // changes nothing
	Adds                       // creates something new each time it is called
	Changes                    // overwrites values
	Destroys                   // removes something for good, once a person agreed
)

// String returns the word that the documentation uses for e.
func (e Effect) String() string {
	return [...]string{"", "reads", "adds", "changes", "destroys"}[e]
}

// Hints are the four annotations of MCP.
type Hints struct {
	ReadOnly, Destructive, Idempotent, OpenWorld bool
}

// Hints returns the annotations that follow from e. MCP calls destructive
// whatever is not purely additive, so overwriting counts. The world is open
// because rows are written by people and systems outside this conversation.
func (e Effect) Hints() Hints {
	return Hints{
		ReadOnly:    e == Reads,
		Destructive: e == Changes || e == Destroys,
		Idempotent:  e != Adds,
		OpenWorld:   true,
	}
}

// Deps is all that a handler may use besides its arguments.
type Deps struct {
	Dataverse *dataverse.Client
	Now       func() time.Time // set by the Set that makes the call

	// Progress tells whoever called how far the work is: done of total units, which is 0 if it is not known yet. It is
	// never nil and does nothing when nobody wants to know.
	Progress func(done, total float64, message string)
}

type progressKey struct{}

// WithProgress makes Deps.Progress of the calls under ctx report to f.
func WithProgress(ctx context.Context, f func(done, total float64, message string)) context.Context {
	return context.WithValue(ctx, progressKey{}, f)
}

// ProgressOf returns what the calls under ctx report to; never nil.
func ProgressOf(ctx context.Context) func(done, total float64, message string) {
	if f, ok := ctx.Value(progressKey{}).(func(done, total float64, message string)); ok {
		return f
	}
	return func(float64, float64, string) {}
}

// Tool is one entry of the catalogue, made by define.
type Tool struct {
	Spec
	schemas  func() (in, out *jsonschema.Schema)
	run      func(context.Context, Deps, json.RawMessage) (any, error)
	question func(context.Context, Deps, json.RawMessage) (stake, error) // of a tool that destroys
}

// stake is what a person is asked to give up.
type stake struct {
	question string // says so, in the words that they know it by
	version  string // of what the question is about; "" where there is none
}

// define joins a tool's description to its handler. The schemas that the model
// is shown are those of In and Out; they are made when a Set is built, so that
// a process that serves no tool pays nothing.
func define[In, Out any](spec Spec, handle func(context.Context, Deps, In) (Out, error)) Tool {
	return Tool{
		Spec: spec,
		schemas: func() (in, out *jsonschema.Schema) {
			return schemaOf[In](), schemaOf[Out]()
		},
		run: func(ctx context.Context, d Deps, args json.RawMessage) (any, error) {
			var in In
			if err := decode(args, &in); err != nil {
				return nil, err
			}
			return handle(ctx, d, in)
		},
	}
}

// defineDestroying is define for a tool that destroys. The handler runs once a person agreed to what asking found to be
// at stake.
func defineDestroying[In, Out any](
	spec Spec, asking func(context.Context, Deps, In) (stake, error), handle func(context.Context, Deps, In) (Out, error),
) Tool {
	tool := define(spec, handle)
	tool.question = func(ctx context.Context, d Deps, args json.RawMessage) (stake, error) {
		var in In
		if err := decode(args, &in); err != nil {
			return stake{}, err
		}
		return asking(ctx, d, in)
	}
	return tool
}

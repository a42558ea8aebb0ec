package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// Options say what a Set serves. The zero Options serves the whole catalogue,
// and every call answers that no connection is configured.
type Options struct {
	Connections []Connection  // the first is the default
	ReadOnly    bool          // leaves out every tool that changes something
	ReplyBytes  int           // budget of one reply; 0: 64 KiB
	Timeout     time.Duration // of one call, all its requests and their repetitions included; 0: 45 s
	Log         *slog.Logger  // failures that are not the caller's; nil: none
	Observers   []Observer    // of each call, told in this order
	Now         func() time.Time
	Unconfirmed bool   // lets tools destroy without asking anybody
	ConfirmKey  []byte // proves to one process what another asked; nil: random, so they do not accept each other's
}

// Connection is one environment under the name that a caller chooses it by.
type Connection struct {
	Name    string
	Deps    Deps
	Missing error // what has to be configured before Deps can be used; nil: ready
}

// Offer is a tool as a client is shown it.
type Offer struct {
	Spec
	Input, Output json.RawMessage // JSON Schemas
}

// Set is the catalogue bound to connections. Its methods may be called
// concurrently.
type Set struct {
	options Options
	mounted []*mounted
	sealer  *sealer
}

type mounted struct {
	Offer
	tool    Tool
	checker func() (*checker, error) // compiled by the first call
}

const defaultReplyBytes = 64 << 10

// DefaultTimeout is what one call may take where nothing else is said: clients give up after a minute.
const DefaultTimeout = 45 * time.Second

// New binds the catalogue to connections. It opens none of them.
func New(o Options) (*Set, error) {
	if o.ReplyBytes == 0 {
		o.ReplyBytes = defaultReplyBytes
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if len(o.Connections) == 0 {
		o.Connections = []Connection{{Missing: errors.New("no environment is configured")}}
	}
	s := &Set{options: o, sealer: newSealer(o.ConfirmKey, o.Now)}
	for _, tool := range Catalogue() {
		if o.ReadOnly && tool.Effect != Reads {
			continue
		}
		m, err := mount(tool, o.Connections)
		if err != nil {
			return nil, fmt.Errorf("tool %s: %w", tool.Name, err)
		}
		s.mounted = append(s.mounted, m)
	}
	return s, nil
}

func mount(tool Tool, connections []Connection) (*mounted, error) {
	if (tool.Effect == Destroys) != (tool.question != nil) {
		return nil, errors.New("a tool that destroys, and no other, has to have a question")
	}
	in, out := tool.schemas()
	shorten(out)
	if tool.Effect == Destroys {
		addConfirmation(in, out)
	}
	if len(connections) > 1 {
		names := make([]string, len(connections))
		for i, c := range connections {
			names[i] = c.Name
		}
		addConnection(in, names)
	}
	input, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	output, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	return &mounted{
		Offer:   Offer{Spec: tool.Spec, Input: input, Output: output},
		tool:    tool,
		checker: sync.OnceValues(func() (*checker, error) { return newChecker(input) }),
	}, nil
}

// Offers lists the tools in the order of the catalogue.
func (s *Set) Offers() []Offer {
	offers := make([]Offer, len(s.mounted))
	for i, m := range s.mounted {
		offers[i] = m.Offer
	}
	return offers
}

// Call runs the tool called name. A failure of the tool is a Result; only a
// name that is not offered is an error.
func (s *Set) Call(ctx context.Context, name string, args json.RawMessage) (Result, error) {
	i := slices.IndexFunc(s.mounted, func(m *mounted) bool { return m.Name == name })
	if i < 0 {
		return Result{}, s.Unoffered(ctx, name, args)
	}
	m, started := s.mounted[i], s.options.Now()
	given, connection, wrong := s.prepare(m, args)
	call := newCall(m, connection.Name, given, args, started)
	ctx, end, err := s.begin(ctx, call)
	result := Result{about: call.Subject}
	if err = cmp.Or(err, wrong); err == nil {
		result, err = s.run(ctx, m, connection, given, call.Subject)
	}
	if err != nil {
		result = Result{Text: explainError(name, err, s.options.Timeout), IsError: true, about: call.Subject}
		s.logFailure(ctx, call, err)
	}
	end(Outcome{
		Subject: result.about, Status: result.status, Kind: dataverse.KindOf(err), Err: err,
		Bytes: len(result.Text), Took: s.options.Now().Sub(started),
	})
	return result, nil
}

// prepare checks the arguments and finds the connection that they are for.
func (s *Set) prepare(m *mounted, args json.RawMessage) (given map[string]json.RawMessage, c Connection, err error) {
	defer recovered(&err)
	checker, err := m.checker()
	if err != nil {
		return nil, c, err
	}
	if given, err = checker.check(args); err != nil {
		return nil, c, err
	}
	c, err = s.choose(given)
	return given, c, err
}

// run takes one call through question, handler and rendering.
func (s *Set) run(ctx context.Context, m *mounted, c Connection, given map[string]json.RawMessage, about Subject) (result Result, err error) {
	defer recovered(&err)
	c.Deps.Now, c.Deps.Progress = s.options.Now, ProgressOf(ctx)
	if m.Effect == Destroys {
		result, err = s.destroy(ctx, m, c, given)
	} else {
		ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
		defer cancel()
		result, err = s.perform(ctx, m, c, given)
	}
	result.about = about.and(result.about)
	return result, err
}

// recovered makes an error of a panic.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
	}
}

// perform runs the handler.
func (s *Set) perform(ctx context.Context, m *mounted, c Connection, given map[string]json.RawMessage) (Result, error) {
	checked, err := json.Marshal(given)
	if err != nil {
		return Result{}, err
	}
	out, err := m.tool.run(ctx, c.Deps, checked)
	if err != nil {
		return Result{}, err
	}
	text, err := render(out, s.options.ReplyBytes)
	return Result{Text: text, about: found(out)}, err
}

// choose takes the connection argument out of given and finds what it names.
func (s *Set) choose(given map[string]json.RawMessage) (Connection, error) {
	c := s.options.Connections[0]
	if raw, ok := given[connectionArg]; ok && len(s.options.Connections) > 1 {
		var name string
		if err := json.Unmarshal(raw, &name); err != nil {
			return c, err
		}
		// The schema enumerates the names, so this one exists.
		c = s.options.Connections[slices.IndexFunc(s.options.Connections, func(c Connection) bool { return c.Name == name })]
		delete(given, connectionArg)
	}
	if c.Missing != nil {
		return c, &dataverse.Error{Kind: dataverse.Unavailable, Message: c.Missing.Error(), Err: notReady{c.Missing}}
	}
	return c, nil
}

// notReady marks the failure of a call whose connection is not configured.
type notReady struct{ error }

// advice comes from whoever knows the configuration, if something is missing there rather than wrong.
func (n notReady) advice() string {
	if missing, ok := errors.AsType[interface {
		error
		Advice() string
	}](n.error); ok {
		return missing.Advice()
	}
	return "Correct the configuration and restart the server."
}

// logFailure tells whoever runs the server of what is not the caller's own affair. The message of such a failure would
// repeat what the caller wrote: arguments and rows are other people's data and stay out of the log.
func (s *Set) logFailure(ctx context.Context, c Call, err error) {
	kind, level := dataverse.KindOf(err), slog.LevelWarn
	switch {
	case kind == dataverse.Invalid, kind == dataverse.NotFound, kind == dataverse.Conflict, errors.Is(err, context.Canceled):
		return
	case kind == dataverse.Internal:
		level = slog.LevelError
	}
	s.options.Log.LogAttrs(ctx, level, "tool failed", slog.String("tool", c.Tool), slog.String("connection", c.Connection),
		slog.String("call", c.ID), slog.String("kind", string(kind)), slog.Any("error", err))
}

package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// Observer is told of each call before anything is sent for it. Its error refuses the call. The function that it
// returns is called once, with how the call went.
type Observer func(context.Context, Call) (context.Context, func(Outcome), error)

// Call is one use of a tool.
type Call struct {
	ID         string // of this call and no other
	Tool       string // at most 80 bytes
	Effect     Effect // 0 for a tool that is not offered, whose name may be anything
	Connection string // its name; "" where the arguments were too wrong to tell
	Subject
	Arguments json.RawMessage // as they came, before they were checked
	Started   time.Time
}

// Subject is what a call is about. Before the call it is what the caller wrote, after it what was found.
type Subject struct {
	Table string   // at most 80 bytes
	IDs   []string // of records: GUIDs, references or alternate keys
	Rows  int      // that were read
}

// Outcome is how a call went.
type Outcome struct {
	Subject
	Status string         // of a tool that destroys: done, declined or confirmation_required; "" for the others
	Kind   dataverse.Kind // "" for a success
	Err    error          // for a log, not for people: it may repeat what the caller wrote
	Bytes  int            // of the reply
	Took   time.Duration
}

// Unoffered tells the observers of a call of a tool that is not offered, and returns its error.
func (s *Set) Unoffered(ctx context.Context, name string, args json.RawMessage) error {
	err := &dataverse.Error{Kind: dataverse.NotFound, Message: fmt.Sprintf("tool %q: not offered: %s", brief(name), s.instead(name))}
	s.Refused(ctx, name, args, err)
	return err
}

// Refused tells the observers of a call that never comes to a tool, because of err.
func (s *Set) Refused(ctx context.Context, name string, args json.RawMessage, err error) {
	call := Call{ID: uuid.NewString(), Tool: brief(name), Arguments: args, Started: s.options.Now()}
	for _, m := range s.mounted {
		if m.Name == name {
			call.Effect = m.Effect
		}
	}
	_, end, _ := s.begin(ctx, call) // it is refused anyway
	end(Outcome{Kind: dataverse.KindOf(err), Err: err, Took: s.options.Now().Sub(call.Started)})
}

// instead says why the tool called name is not offered, or which one was meant.
func (s *Set) instead(name string) string {
	isIt := func(t Tool) bool { return t.Name == name }
	if s.options.ReadOnly && slices.ContainsFunc(Catalogue(), isIt) {
		return "this server is read-only"
	}
	var names []string
	for _, m := range s.mounted {
		names = append(names, m.Name)
	}
	if near := closest(name, names); near != "" {
		return "did you mean " + near + "?"
	}
	return "want one of " + strings.Join(names, ", ")
}

// begin tells the observers of c. Whatever it returns, end has to be called.
func (s *Set) begin(ctx context.Context, c Call) (_ context.Context, end func(Outcome), err error) {
	var begun []func(Outcome)
	end = func(o Outcome) {
		for _, ended := range slices.Backward(begun) {
			ended(o)
		}
	}
	for _, observe := range s.options.Observers {
		within, ended, err := observe(ctx, c)
		if err != nil {
			return ctx, end, unobserved(err)
		}
		ctx, begun = within, append(begun, ended)
	}
	return ctx, end, nil
}

// unobserved is the error of a call that an observer refused.
func unobserved(err error) error {
	return argumentError{
		&dataverse.Error{Kind: dataverse.Unavailable, Message: "nothing was done: " + err.Error(), Err: err},
		"This is for whoever runs the server to put right; its log has the details.",
	}
}

func newCall(m *mounted, connection string, given map[string]json.RawMessage, args json.RawMessage, started time.Time) Call {
	return Call{
		ID: uuid.NewString(), Tool: m.Name, Effect: m.Effect, Connection: connection,
		Subject: asked(given), Arguments: args, Started: started,
	}
}

// asked is what the arguments of every tool call the same.
func asked(given map[string]json.RawMessage) Subject {
	var s Subject
	var id string
	// What is of another type is no name.
	_ = json.Unmarshal(given["table"], &s.Table)
	_ = json.Unmarshal(given["ids"], &s.IDs)
	if json.Unmarshal(given["id"], &id) == nil {
		s.IDs = append(s.IDs, id)
	}
	s.Table = brief(s.Table)
	return s
}

// found is what out tells in the fields that every tool calls the same.
func found(out any) Subject {
	var s Subject
	v := reflect.Indirect(reflect.ValueOf(out))
	if v.Kind() != reflect.Struct {
		return s
	}
	table, _ := member[string](v, "Table")
	s.Table = brief(table)
	s.IDs, _ = member[[]string](v, "IDs")
	for _, name := range []string{"ID", "Deleted"} {
		if id, _ := member[string](v, name); id != "" {
			s.IDs = []string{id}
		}
	}
	if rows := v.FieldByName("Rows"); rows.Kind() == reflect.Slice {
		s.Rows = rows.Len()
	}
	return s
}

// and is what was found in place of what was asked for, where something was.
func (s Subject) and(found Subject) Subject {
	s.Table = cmp.Or(found.Table, s.Table)
	if len(found.IDs) > 0 {
		s.IDs = found.IDs
	}
	s.Rows = found.Rows
	return s
}

func member[T any](v reflect.Value, name string) (value T, ok bool) {
	f := v.FieldByName(name)
	if !f.IsValid() || !f.CanInterface() {
		return value, false
	}
	return reflect.TypeAssert[T](f)
}

// RecordID returns the GUID in an id as callers write it, in lower case: a bare one, or that of a reference such as
// contact(guid). An alternate key has none, and may be what a person is known by.
func RecordID(id string) (guid string, ok bool) {
	if at := strings.LastIndexByte(id, '('); at >= 0 {
		id = strings.TrimSuffix(id[at+1:], ")")
	}
	parsed, err := uuid.Parse(id)
	return parsed.String(), err == nil && len(id) == 36 // the library takes other forms too
}

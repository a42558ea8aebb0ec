package tools

import (
	"context"
	"encoding/json"

	"github.com/invopop/jsonschema"
)

// Caller is who makes a call and whether a person can be asked there. A context without one stands for a caller
// that cannot be asked.
type Caller struct {
	ID     string // what this caller's user agreed to, no other caller can use; "" where nobody signs in
	Asks   bool   // puts questions to a person: what the model writes is then no answer
	Ask    Ask    // puts them while the call waits; nil: the Question is what the call answers
	State  string // of the Question that was put; "" before
	Answer Answer // of the person
}

// Ask puts a question to a person and waits for the answer.
type Ask func(ctx context.Context, question string) Answer

// maxQuestions is how often one call asks: the record may change while its user thinks.
const maxQuestions = 3

// Answer is what a person made of a question.
type Answer int

// The answers. Whoever closes a question has not agreed.
const (
	Unanswered Answer = iota
	Agreed
	Declined
	Dismissed
)

// Question is put to a person before a call goes on: the same call, with State and the Answer in its Caller.
type Question struct {
	Text  string // what will be destroyed
	State string // proves that it was asked; good for this call, once and for a few minutes
}

// WithCaller returns a context for calls by c.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

type callerKey struct{}

func callerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// The arguments and members that the rule adds to a tool that destroys.
const (
	confirmationArg = "confirmation"
	statusMember    = "status"

	statusDone     = "done"
	statusDeclined = "declined"
	statusRequired = "confirmation_required"
)

// pause is the answer of a call that destroyed nothing, since nobody has agreed yet or will.
type pause struct {
	Status       string `json:"status"`
	Question     string `json:"question,omitempty"`
	Confirmation string `json:"confirmation,omitempty"`
	Message      string `json:"message"`

	put *Question
}

// addConfirmation gives the schemas of a tool that destroys what the rule needs. What the handler answers is there
// only when it ran.
func addConfirmation(in, out *jsonschema.Schema) {
	in.Properties.Set(confirmationArg, &jsonschema.Schema{Type: "string", Description: "From a confirmation_required answer, once the user agreed."})
	out.Properties.Set(statusMember, &jsonschema.Schema{Type: "string", Enum: []any{statusDone, statusDeclined, statusRequired}})
	for _, name := range []string{"question", confirmationArg, "message"} {
		out.Properties.Set(name, &jsonschema.Schema{Type: "string"})
	}
	out.Required = []string{statusMember}
}

// destroy performs a call once a person agreed to just what it is about to do, and until then asks or answers what is asked.
func (s *Set) destroy(ctx context.Context, m *mounted, c Connection, given map[string]json.RawMessage) (Result, error) {
	token := given[confirmationArg]
	delete(given, confirmationArg)
	caller := callerOf(ctx)
	for asked := 0; ; asked++ {
		result, err := s.attempt(ctx, m, c, caller, given, token)
		if err != nil || result.Question == nil || caller.Ask == nil || asked == maxQuestions {
			return result, err
		}
		caller.State, caller.Answer = result.Question.State, caller.Ask(ctx, result.Question.Text)
	}
}

// attempt performs the call if a person agreed. The time that one takes to answer is not the call's.
func (s *Set) attempt(
	ctx context.Context, m *mounted, c Connection, caller Caller, given map[string]json.RawMessage, token json.RawMessage,
) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	if !s.options.Unconfirmed {
		stopped, err := s.confirm(ctx, m, c, caller, given, token)
		if err != nil {
			return Result{}, err
		}
		if stopped != nil {
			text, err := compact(stopped)
			return Result{Text: text, Question: stopped.put, status: stopped.Status}, err
		}
	}
	done, err := s.perform(ctx, m, c, given)
	if err != nil {
		return Result{}, err
	}
	done.Text, done.status = finished(done.Text), statusDone
	return done, nil
}

// finished marks the answer of a handler that ran.
func finished(text string) string {
	rest := text[len("{"):]
	if rest != "}" {
		rest = "," + rest
	}
	return `{"` + statusMember + `":"` + statusDone + `"` + rest
}

// confirm finds out whether a person agreed; nil says that the call may go on.
func (s *Set) confirm(
	ctx context.Context, m *mounted, c Connection, caller Caller, given map[string]json.RawMessage, token json.RawMessage,
) (*pause, error) {
	d, err := s.deed(ctx, m, c, caller, given)
	if caller.Answer == Declined || caller.Answer == Dismissed {
		if err == nil {
			_ = s.sealer.open(forState, d, caller.State) // uses it up: nobody can agree to it any more
		}
		return refusal(caller.Answer), nil
	}
	if err != nil {
		return nil, err
	}
	if caller.Asks {
		return s.askPerson(caller, d), nil
	}
	return s.askByToken(token, d)
}

// deed words what the call is about to do.
func (s *Set) deed(ctx context.Context, m *mounted, c Connection, caller Caller, given map[string]json.RawMessage) (deed, error) {
	args, err := json.Marshal(given)
	if err != nil {
		return deed{}, err
	}
	at, err := m.tool.question(ctx, c.Deps, args)
	if err != nil {
		return deed{}, err
	}
	if len(s.options.Connections) > 1 {
		at.question += " Environment: " + c.Name + "."
	}
	return deed{caller: caller.ID, tool: m.Name, connection: c.Name, args: args, stake: at}, nil
}

// refusal is the answer after a person was asked and did not agree.
func refusal(a Answer) *pause {
	p := &pause{Status: statusDeclined, Message: "The user declined. Nothing was changed."}
	if a == Dismissed {
		p.Message = "The user did not answer the question. Nothing was changed."
	}
	return p
}

// askPerson is the road where the client puts the question to its user. The model has no part in it: a token counts
// for nothing here.
func (s *Set) askPerson(caller Caller, d deed) *pause {
	if caller.Answer == Agreed && s.sealer.open(forState, d, caller.State) == valid {
		return nil
	}
	return &pause{
		Status: statusRequired, Question: d.question, Message: "Nothing was changed yet: the user has to agree first.",
		put: &Question{Text: d.question, State: s.sealer.seal(forState, d)},
	}
}

// askByToken is the road where nobody but the model can put the question: it is told to, and handed a token.
func (s *Set) askByToken(given json.RawMessage, d deed) (*pause, error) {
	p := &pause{
		Status: statusRequired, Question: d.question, Message: "Nothing was changed. Show the question to the user; only " +
			"if they agree, call again with the same arguments and this confirmation.",
	}
	if given != nil {
		var token string
		if err := json.Unmarshal(given, &token); err != nil {
			return nil, err
		}
		v := s.sealer.open(forToken, d, token)
		if v == valid {
			return nil, nil
		}
		p.Message = v.String() + " " + p.Message
	}
	p.Confirmation = s.sealer.seal(forToken, d)
	return p, nil
}

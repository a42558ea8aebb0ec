package tools

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

// Result is the outcome of one call. Text is compact JSON, or for an error
// what failed, why and what to do next.
type Result struct {
	Text     string
	IsError  bool
	Question *Question // that a person has to agree to before the call goes on; nil: none

	status string  // of a call that destroys
	about  Subject // what the reply tells of
}

// Structured returns the value that MCP calls structuredContent: the JSON of
// Text. It is nil for an error, which has no value that would be true to the
// output schema.
func (r Result) Structured() json.RawMessage {
	if r.IsError {
		return nil
	}
	return json.RawMessage(r.Text)
}

// fitter is an Out that may outgrow a reply: fit returns the largest part of
// it that fits, with the way to the rest.
type fitter interface {
	fit(fits func(any) bool) any
}

// render writes out as JSON of at most budget bytes.
func render(out any, budget int) (string, error) {
	text, err := compact(out)
	if err != nil || len(text) <= budget {
		return text, err
	}
	long, ok := out.(fitter)
	if !ok {
		return text, nil
	}
	fits := func(v any) bool {
		text, err := compact(v)
		return err == nil && len(text) <= budget
	}
	return compact(long.fit(fits))
}

// compact writes v as JSON without spaces and without the HTML escapes that
// would cost six bytes for each < and &.
func compact(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// mostThatFit returns the largest k in 0..n for which part(k) fits, given that
// part(n) does not.
func mostThatFit(n int, part func(k int) any, fits func(any) bool) int {
	return max(0, sort.Search(n, func(i int) bool { return !fits(part(i)) })-1)
}

// clipLimits are the lengths at which texts are cut, tried in turn, when a
// single record is more than a reply can hold.
func clipLimits() []int { return []int{16 << 10, 4 << 10, 1 << 10, 200, 40} }

// clip cuts every text in v that is longer than limit bytes and says how much
// is missing.
func clip(v any, limit int) any {
	switch v := v.(type) {
	case string:
		if len(v) <= limit {
			return v
		}
		kept := strings.ToValidUTF8(v[:limit], "")
		return fmt.Sprintf("%s… [%d more bytes]", kept, len(v)-len(kept))
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = clip(item, limit)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			out[name] = clip(item, limit)
		}
		return out
	default:
		return v
	}
}

// explainError words an error for the model: what failed and why, then one
// line of advice. Timeout is what the call was allowed.
func explainError(tool string, err error, timeout time.Duration) string {
	if missing, ok := errors.AsType[notReady](err); ok {
		return tool + ": " + missing.Error() + "\n" + missing.advice()
	}
	e, ok := errors.AsType[*dataverse.Error](err)
	own, isOwn := errors.AsType[argumentError](err)
	switch {
	case isOwn:
		return tool + ": " + reason(e) + "\n" + own.next
	case ok:
		return strings.TrimSuffix(cmp.Or(e.Op, tool)+": "+reason(e)+"\n"+advice(e, timeout), "\n")
	case errors.Is(err, context.Canceled):
		return tool + ": cancelled before it was done\nNothing more will happen; call again if it is still wanted."
	case errors.Is(err, context.DeadlineExceeded):
		return tool + ": took too long\n" + askForLess(timeout)
	default:
		return tool + ": internal error\nThis is a fault of the server, not of the arguments; its log has the details."
	}
}

// argumentError is a fault of arguments that no table explains, with what to
// do next.
type argumentError struct {
	error
	next string
}

// Unwrap lets the kind of the fault be found.
func (e argumentError) Unwrap() error { return e.error }

// refused is the error of an argument that the tool itself checks.
func refused(next, format string, args ...any) error {
	return argumentError{&dataverse.Error{Kind: dataverse.Invalid, Message: fmt.Sprintf(format, args...)}, next}
}

// brief is s as an error repeats it: what it was given may be of any length.
func brief(s string) string { return cut(s, 80) }

// maxReason is how long the reason of a failure may be: it may quote what the caller sent.
const maxReason = 4 << 10

func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

// askForLess is the advice after a call ran out of time.
func askForLess(timeout time.Duration) string {
	return fmt.Sprintf("A call has %s in all (--timeout, DYNAMICS_TIMEOUT). Ask for less (fewer columns or rows, a narrower filter), "+
		"or check that the environment answers, then call again.", timeout)
}

// reason is the service's own message and what identifies the failure there.
func reason(e *dataverse.Error) string {
	marks := []string{string(e.Kind)}
	if e.Status != 0 {
		marks = append(marks, fmt.Sprintf("HTTP %d", e.Status))
	}
	if e.Code != "" {
		marks = append(marks, e.Code)
	}
	if e.RequestID != "" && (e.Kind == dataverse.Internal || e.Kind == dataverse.Unavailable) {
		marks = append(marks, "request "+e.RequestID)
	}
	return cut(e.Message, maxReason) + " [" + strings.Join(marks, ", ") + "]"
}

// Codes of conflicts that no etag resolves.
const (
	codeDuplicateKey = "0x80040237" // an id or a key that is taken
	codeKeyExists    = "0x80060892" // an alternate key that is taken
	codeCannotDelete = "0x80040227" // other records refer to it
)

// correctURL is the advice after somebody else than Dataverse answered.
const correctURL = "Correct the environment URL in the configuration: https and the environment's own host, nothing after it."

// advice is one line: what to do about e. It is empty where the reason says so already.
func advice(e *dataverse.Error, timeout time.Duration) string {
	if len(e.Nearest) > 0 {
		return "Did you mean " + orList(e.Nearest) + "?"
	}
	if e.InDoubt {
		return "Look whether it was made, with get_record or query_records, before calling again."
	}
	switch e.Kind {
	case dataverse.Invalid:
		if slices.ContainsFunc(e.Faults, func(one *dataverse.Error) bool { return len(one.Nearest) > 0 }) {
			return "Did you mean the nearest names told above? Correct them all and call again."
		}
		if endedByAction(e) {
			return "This server has no tool for that action yet; the state was not changed."
		}
		return "Correct the arguments and call again; describe_table shows a table's columns, types and choices."
	case dataverse.NotFound:
		return notFound(e)
	case dataverse.Denied:
		return denied(e)
	case dataverse.Conflict:
		return conflict(e.Code)
	case dataverse.Throttled:
		return fmt.Sprintf("The service is limiting calls; wait %s and call again.", max(e.RetryAfter, time.Second).Round(time.Second))
	case dataverse.Unavailable:
		return unavailable(e, timeout)
	default:
		return "This is not caused by the arguments; try again later and report the request if it persists."
	}
}

func notFound(e *dataverse.Error) string {
	switch {
	case e.Status == 0: // a name, found missing before anything was sent
		return "list_tables with filter finds tables by a part of their name."
	case e.Status == 404 && e.Code == "": // Dataverse gives a code whenever it misses something
		return correctURL
	}
	return "Check the id with query_records and the table with list_tables."
}

func conflict(code string) string {
	switch strings.ToLower(code) {
	case codeDuplicateKey, codeKeyExists:
		return "A record with this id or key exists: use another value, or change it with update_record or upsert_record by its key."
	case codeCannotDelete:
		return "Other records that refer to it block this: find them with query_records, delete them or point them to another record first, then delete it again."
	}
	return "It changed meanwhile or exists already. Read the record again with get_record, then decide and repeat with its etag."
}

// endedByAction says whether the service refused an update of a state that only an action gives. It has no code of its
// own for that.
func endedByAction(e *dataverse.Error) bool {
	return strings.Contains(e.Message, "set the state of") && strings.Contains(e.Message, "message instead")
}

func unavailable(e *dataverse.Error, timeout time.Duration) string {
	dns, isDNS := errors.AsType[*net.DNSError](e)
	noHost := isDNS && dns.IsNotFound
	switch {
	case isSignIn(e) && noHost:
		return "Correct the host: that of the environment URL, or of the authority (DYNAMICS_AUTHORITY)."
	case isSignIn(e):
		return "Without a sign-in the environment was not asked; check the token command or the sign-in service, then call again."
	case noHost:
		return ""
	case errors.Is(e, context.Canceled):
		return "Nothing more will happen; call again if it is still wanted."
	case errors.Is(e, context.DeadlineExceeded):
		return askForLess(timeout)
	case e.Status >= 500:
		return "The service has a problem of its own; wait a minute and call again."
	case e.Status >= 200 && e.Status < 400: // a web page, or a redirect to one
		return correctURL
	}
	return "The environment cannot be reached; check its URL and the network, then call again."
}

// isSignIn says whether e is the error of a sign-in, which tells in its own text what to do next.
func isSignIn(e *dataverse.Error) bool {
	_, ok := errors.AsType[interface {
		error
		Denied() bool
	}](e)
	return ok
}

func denied(e *dataverse.Error) string {
	switch {
	case isSignIn(e):
		return ""
	case e.Status == 401:
		return "The sign-in was refused or has expired; renew the token or check the client id, secret and tenant."
	}
	return "The signed-in user lacks the right; get_current_user tells who that is, an administrator can grant a role."
}

func orList(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

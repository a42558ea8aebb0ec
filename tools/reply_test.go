package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

func TestErrorsSayWhatWhyAndWhatNext(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{
			&dataverse.Error{Op: "describe table acount", Kind: dataverse.NotFound, Message: `there is no table "acount"`, Nearest: []string{"account", "contact"}},
			"describe table acount: there is no table \"acount\" [not_found]\nDid you mean account or contact?",
		},
		{
			&dataverse.Error{Op: "update account", Kind: dataverse.Conflict, Status: 412, Code: "0x80060882", Message: "The version of the existing record doesn't match the RowVersion property provided."},
			"update account: The version of the existing record doesn't match the RowVersion property provided. [conflict, HTTP 412, 0x80060882]\n" +
				"It changed meanwhile or exists already. Read the record again with get_record, then decide and repeat with its etag.",
		},
		{
			&dataverse.Error{Op: "list accounts", Kind: dataverse.Throttled, Status: 429, Message: "Number of requests exceeded the limit", RetryAfter: 12 * time.Second},
			"list accounts: Number of requests exceeded the limit [throttled, HTTP 429]\nThe service is limiting calls; wait 12s and call again.",
		},
		{
			&dataverse.Error{Op: "list accounts", Kind: dataverse.Denied, Status: 401, Message: "token expired"},
			"list accounts: token expired [denied, HTTP 401]\n" +
				"The sign-in was refused or has expired; renew the token or check the client id, secret and tenant.",
		},
		{
			&dataverse.Error{Op: "delete account 1", Kind: dataverse.Conflict, Status: 405, Code: "0x80040227", Message: "It is associated with another object."},
			"delete account 1: It is associated with another object. [conflict, HTTP 405, 0x80040227]\n" +
				"Other records that refer to it block this: find them with query_records, delete them or point them to another record first, then delete it again.",
		},
		{
			&dataverse.Error{Op: "create account", Kind: dataverse.Conflict, Status: 412, Code: "0x80060892", Message: "A record that has the attribute values accountnumber already exists."},
			"create account: A record that has the attribute values accountnumber already exists. [conflict, HTTP 412, 0x80060892]\n" +
				"A record with this id or key exists: use another value, or change it with update_record or upsert_record by its key.",
		},
		{
			&dataverse.Error{Op: "get account 1", Kind: dataverse.NotFound, Status: 404, Message: "answered with a web page instead of data: check the environment URL"},
			"get account 1: answered with a web page instead of data: check the environment URL [not_found, HTTP 404]\n" + correctURL,
		},
		{
			&dataverse.Error{Op: "get account 1", Kind: dataverse.Unavailable, Status: 200, Message: "answered with a web page instead of data: check the environment URL"},
			"get account 1: answered with a web page instead of data: check the environment URL [unavailable, HTTP 200]\n" + correctURL,
		},
		{
			&dataverse.Error{Op: "list accounts", Kind: dataverse.Denied, Message: "sign-in: token command az is not on the PATH: install it or give its full path", Err: refusedSignIn{}},
			"list accounts: sign-in: token command az is not on the PATH: install it or give its full path [denied]",
		},
		{
			&dataverse.Error{Op: "list accounts", Kind: dataverse.Unavailable, Message: "host crm.example does not exist: check the environment URL", Err: &net.DNSError{IsNotFound: true}},
			"list accounts: host crm.example does not exist: check the environment URL [unavailable]",
		},
		{
			&dataverse.Error{Op: "update incident 1", Kind: dataverse.Invalid, Status: 400, Code: "0x80040203", Message: "This message can not be used to set the state of incident to Resolved. In order to set state of incident to Resolved, use the CloseIncidentRequest message instead."},
			"update incident 1: This message can not be used to set the state of incident to Resolved. In order to set state of incident to Resolved, use the CloseIncidentRequest message instead. [invalid, HTTP 400, 0x80040203]\n" +
				"This server has no tool for that action yet; the state was not changed.",
		},
		{
			&dataverse.Error{Kind: dataverse.Internal, Status: 500, Message: "An unexpected error occurred.", RequestID: "r-1"},
			"some_tool: An unexpected error occurred. [internal, HTTP 500, request r-1]\n" +
				"This is not caused by the arguments; try again later and report the request if it persists.",
		},
		{
			fmt.Errorf("panic: %s", "secret"),
			"some_tool: internal error\nThis is a fault of the server, not of the arguments; its log has the details.",
		},
		{context.Canceled, "some_tool: cancelled before it was done\nNothing more will happen; call again if it is still wanted."},
		{
			errors.Join(context.DeadlineExceeded),
			"some_tool: took too long\n" + askForLess(45*time.Second),
		},
		{
			&dataverse.Error{Op: "list accounts", Kind: dataverse.Unavailable, Message: "crm.example did not answer within 30s", Err: context.DeadlineExceeded},
			"list accounts: crm.example did not answer within 30s [unavailable]\n" +
				"A call has 45s in all (--timeout, DYNAMICS_TIMEOUT). Ask for less (fewer columns or rows, a narrower filter), " +
				"or check that the environment answers, then call again.",
		},
		{
			&dataverse.Error{Op: "list accounts", Kind: dataverse.Unavailable, Message: "sign-in: token command az did not finish in 20s", Err: hungSignIn{}},
			"list accounts: sign-in: token command az did not finish in 20s [unavailable]\n" +
				"Without a sign-in the environment was not asked; check the token command or the sign-in service, then call again.",
		},
		{
			&dataverse.Error{Op: "create account 1", Kind: dataverse.Unavailable, Message: "crm.example broke the connection off", InDoubt: true},
			"create account 1: crm.example broke the connection off [unavailable]\n" +
				"Look whether it was made, with get_record or query_records, before calling again.",
		},
		{
			&dataverse.Error{Op: "list accounts", Kind: dataverse.Unavailable, Status: 503, Message: "service unavailable (status 503)"},
			"list accounts: service unavailable (status 503) [unavailable, HTTP 503]\n" +
				"The service has a problem of its own; wait a minute and call again.",
		},
		{
			&dataverse.Error{Op: "list accounts", Kind: dataverse.Unavailable, Message: "cancelled by the caller", Err: context.Canceled},
			"list accounts: cancelled by the caller [unavailable]\nNothing more will happen; call again if it is still wanted.",
		},
	} {
		if diff := cmp.Diff(test.want, explainError("some_tool", test.err, 45*time.Second)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.err, diff)
		}
	}
}

// hungSignIn is what package auth returns when it ran out of time.
type hungSignIn struct{}

func (hungSignIn) Error() string { return "sign-in: token command az did not finish in 20s" }
func (hungSignIn) Denied() bool  { return false }
func (hungSignIn) Unwrap() error { return context.DeadlineExceeded }

// refusedSignIn is what package auth returns when somebody has to act.
type refusedSignIn struct{}

func (refusedSignIn) Error() string {
	return "sign-in: token command az is not on the PATH: install it or give its full path"
}
func (refusedSignIn) Denied() bool { return true }

func TestSameNameIsToldApartByNumber(t *testing.T) {
	var l legend
	shown := []string{
		l.lookup("ownerid", "John Smith", "systemuser(1)"),
		l.lookup("ownerid", "John Smith", "systemuser(2)"),
		l.lookup("ownerid", "John Smith", "systemuser(1)"),
		l.lookup("ownerid", "John Smith [2]", "systemuser(3)"),
		l.lookup("createdby", "John Smith", "systemuser(2)"),
	}
	want := []string{"John Smith", "John Smith [2]", "John Smith", "John Smith [2] [2]", "John Smith"}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]map[string]string{
		"ownerid":   {"John Smith": "systemuser(1)", "John Smith [2]": "systemuser(2)", "John Smith [2] [2]": "systemuser(3)"},
		"createdby": {"John Smith": "systemuser(2)"},
	}, l.Lookups); diff != "" {
		t.Errorf("legend (-want +got):\n%s", diff)
	}
}

func TestNumbersLoseOnlyThePaddingZeros(t *testing.T) {
	for in, want := range map[json.Number]json.Number{
		"2500.0000000000": "2500", "0.50": "0.5", "100": "100", "-1.10": "-1.1", "0.0": "0", "1.50E+2": "1.50E+2",
	} {
		if got := trimmed(in); got != want {
			t.Errorf("trimmed(%s): got %s, want %s", in, got, want)
		}
	}
}

func TestCursorFitsOnlyItsQuery(t *testing.T) {
	q := dataverse.Query{Filter: "revenue gt 5", Size: 50}
	at := place{skip: 20, page: "a.b.c", in: "https://contoso.crm4.dynamics.com"}
	got, err := readCursor(at.cursor(q, "account"), at.in, q, "account")
	if err != nil || got != at {
		t.Errorf("own cursor: got %+v, %v, want %+v", got, err, at)
	}
	other, own := dataverse.Query{Filter: "revenue gt 6", Size: 50}, at.cursor(q, "account")
	for _, cursor := range []string{at.cursor(other, "account"), at.cursor(q, "contact"), "x", "-1." + at.mark(q, "account") + ".",
		strings.Replace(own, "20-", "21-", 1), strings.Replace(own, "-0.", "-7.", 1), strings.Replace(own, "a.b.c", "a.b.d", 1)} {
		if _, err := readCursor(cursor, at.in, q, "account"); dataverse.KindOf(err) != dataverse.Invalid {
			t.Errorf("cursor %q: got %v, want an invalid error", cursor, err)
		}
	}
}

func TestCursorFitsOnlyItsEnvironment(t *testing.T) {
	cursor := place{skip: 20, in: "https://contoso.crm4.dynamics.com"}.cursor(dataverse.Query{}, "account")
	if _, err := readCursor(cursor, "https://fabrikam.crm4.dynamics.com", dataverse.Query{}, "account"); dataverse.KindOf(err) != dataverse.Invalid {
		t.Errorf("got %v, want an invalid error", err)
	}
}

func TestClippingKeepsCharactersWhole(t *testing.T) {
	got := clip(map[string]any{"a": []any{strings.Repeat("é", 10), "short", true}}, 5)
	want := map[string]any{"a": []any{"éé… [16 more bytes]", "short", true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-shellwords"
	"golang.org/x/oauth2"
)

const (
	unknownLife   = 5 * time.Minute // how long a token of unknown expiry is used
	commandOutput = 64 << 10        // bytes kept of either stream
)

// ParseCommand splits a token command into program and arguments: a JSON array of strings, or words as a shell
// would split them. No shell runs: variables, pipes and globs mean nothing.
func ParseCommand(s string) ([]string, error) {
	s = strings.TrimSpace(s)
	var argv []string
	if strings.HasPrefix(s, "[") {
		if err := json.Unmarshal([]byte(s), &argv); err != nil {
			return nil, errors.New("token command: starts like a JSON array but is no array of strings")
		}
	} else {
		words, err := shellwords.NewParser().Parse(s)
		if err != nil {
			return nil, fmt.Errorf("token command: %w", err)
		}
		argv = words
	}
	if len(argv) == 0 || argv[0] == "" {
		return nil, errors.New("token command: names no program")
	}
	return argv, nil
}

// commandToken runs a program that prints a token.
type commandToken struct {
	argv []string
	now  func() time.Time
}

func (c *commandToken) Token(ctx context.Context) (*oauth2.Token, error) {
	var stdout, stderr boundedBuffer
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second // a grandchild may keep the pipes open
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, &Error{Temporary: true, Err: ctx.Err(), Message: fmt.Sprintf("token command %s did not finish within %s: run it by hand to see what it waits for", c.argv[0], fetchTimeout)}
	case err != nil:
		return nil, c.failure(err, stderr.String())
	}
	token, err := c.parse(stdout.String())
	if err != nil {
		return nil, &Error{Err: err, Message: fmt.Sprintf("token command %s: %v", c.argv[0], err)}
	}
	if end := token.Expiry; !c.now().Before(end) {
		return nil, denied(fmt.Sprintf("token command %s printed a token that expired at %s: sign in again where it gets it", c.argv[0], end.UTC().Format(time.RFC3339)))
	}
	return token, nil
}

func (c *commandToken) failure(err error, stderr string) *Error {
	if errors.Is(err, exec.ErrNotFound) {
		return &Error{Err: err, Message: fmt.Sprintf("token command %s is not on the PATH: install it or give its full path", c.argv[0])}
	}
	stderr = hideTokens(stderr)
	if e := explainCode(stderr); e != nil {
		e.Err = err
		e.Message = fmt.Sprintf("token command %s: %s", c.argv[0], e.Message)
		return e
	}
	message := fmt.Sprintf("token command %s failed: %v", c.argv[0], err)
	if line := firstLine(stderr); line != "" {
		message += ": " + line
	} else {
		message += ": run it by hand to see why"
	}
	return &Error{Err: err, Message: message}
}

// commandReply is what az, azd and OAuth tools print.
type commandReply struct {
	AccessToken      string      `json:"accessToken"`
	OAuthToken       string      `json:"access_token"`
	AzdToken         string      `json:"token"`
	ExpiresOnSeconds json.Number `json:"expires_on"`
	ExpiresOnText    string      `json:"expiresOn"`
	ExpiresIn        json.Number `json:"expires_in"`
}

func (c *commandToken) parse(out string) (*oauth2.Token, error) {
	out = strings.TrimSpace(out)
	var reply commandReply
	switch {
	case strings.HasPrefix(out, "{"):
		if err := json.Unmarshal([]byte(out), &reply); err != nil {
			return nil, errors.New("printed JSON that cannot be read")
		}
	case strings.HasPrefix(out, `"`): // az … --query accessToken
		if err := json.Unmarshal([]byte(out), &reply.AccessToken); err != nil {
			return nil, errors.New("printed JSON that cannot be read")
		}
	default:
		reply.AccessToken = out
	}
	token := firstOf(reply.AccessToken, reply.OAuthToken, reply.AzdToken)
	if token == "" {
		return nil, errors.New("printed no token")
	}
	if !isToken(token) {
		return nil, errors.New("printed more than a token: want the token alone, or JSON with accessToken")
	}
	return bearer(token, c.expiry(reply, token)), nil
}

// isToken refuses what cannot stand in a header, such as a sentence.
func isToken(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

func (c *commandToken) expiry(r commandReply, token string) time.Time {
	if seconds, err := strconv.ParseInt(r.ExpiresOnSeconds.String(), 10, 64); err == nil {
		return time.Unix(seconds, 0)
	}
	if end := jwtExpiry(token); !end.IsZero() {
		return end
	}
	if seconds, err := strconv.ParseInt(r.ExpiresIn.String(), 10, 64); err == nil {
		return c.now().Add(time.Duration(seconds) * time.Second)
	}
	if end, err := time.Parse(time.RFC3339, r.ExpiresOnText); err == nil {
		return end
	}
	// az prints its expiresOn in local time.
	if end, err := time.ParseInLocation("2006-01-02 15:04:05.999999", r.ExpiresOnText, time.Local); err == nil {
		return end
	}
	return c.now().Add(unknownLife)
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

var tokenPattern = regexp.MustCompile(`[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]*|[A-Za-z0-9_~+/=-]{60,}`)

// hideTokens removes what looks like a token from a program's complaint.
func hideTokens(s string) string { return tokenPattern.ReplaceAllString(s, redacted) }

// boundedBuffer keeps the first commandOutput bytes and swallows the rest, so that the program can finish.
type boundedBuffer struct{ kept []byte }

func (b *boundedBuffer) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(len(p), commandOutput-len(b.kept))]...)
	return len(p), nil
}

func (b *boundedBuffer) String() string { return string(b.kept) }

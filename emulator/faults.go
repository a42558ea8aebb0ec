package emulator

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is something that is to go wrong with the requests that match.
type Fault struct {
	Fault  string  `json:"fault"`            // as in the header x-emulator-fault: "status=503; retry-after=2"
	Method string  `json:"method,omitempty"` // "" is any
	Path   string  `json:"path,omitempty"`   // regular expression that the path and query match; "" is any
	Times  int     `json:"times,omitempty"`  // how often it happens; 0 is without end
	Share  float64 `json:"share,omitempty"`  // of the requests that match, evenly spread; 0 is all of them
}

// faultHeader is the header by which a request asks for its own fault.
const faultHeader = "X-Emulator-Fault"

// effect is what a fault does.
type effect struct {
	status     int // answered instead of the work; 0: the work is done
	retryAfter string
	code       string
	message    string
	latency    time.Duration
	broken     breakage
	expired    bool // the token is refused as expired
}

// breakage is when the connection ends, other than after the answer.
type breakage string

const (
	brokenBefore breakage = "before" // nothing is done
	brokenAfter  breakage = "after"  // the work is done, the answer is lost
	brokenMidway breakage = "midway" // the work is done, half of the answer arrives
)

// faults are the rules that hold now.
type faults struct {
	mu    sync.Mutex
	rules []*faultRule
}

type faultRule struct {
	Fault
	effect effect
	path   *regexp.Regexp
	seen   int // requests that matched
	done   int // times that it happened
}

// add adds a rule after those that are there.
func (f *faults) add(fault Fault) error {
	rule := &faultRule{Fault: fault}
	var err error
	if rule.effect, err = parseFault(fault.Fault); err != nil {
		return err
	}
	if rule.path, err = regexp.Compile(fault.Path); err != nil {
		return badRequest("path: %v", err)
	}
	if fault.Share < 0 || fault.Share > 1 {
		return badRequest("share: got %v, want a number between 0 and 1", fault.Share)
	}
	if fault.Times < 0 {
		return badRequest("times: got %d, want a number from 1, or 0 for without end", fault.Times)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, rule)
	return nil
}

// clear ends all rules.
func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

// choose finds the fault of a request, the zero effect for none. A request inside a batch has no connection to break.
func (f *faults) choose(r *http.Request, inner bool) (effect, error) {
	if r.URL.Path == faultsPath {
		return effect{}, nil
	}
	if text := r.Header.Get(faultHeader); text != "" {
		e, err := parseFault(text)
		if err == nil && inner && e.broken != "" {
			err = badRequest("%s: a request inside a batch has no connection to break", faultHeader)
		}
		return e, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rule := range f.rules {
		if inner && rule.effect.broken != "" || !rule.matches(r) {
			continue
		}
		return rule.effect, nil
	}
	return effect{}, nil
}

func (rule *faultRule) matches(r *http.Request) bool {
	if rule.Method != "" && rule.Method != r.Method || !rule.path.MatchString(r.URL.RequestURI()) ||
		rule.Times > 0 && rule.done >= rule.Times {
		return false
	}
	rule.seen++
	if rule.Share > 0 && int(float64(rule.seen)*rule.Share) == int(float64(rule.seen-1)*rule.Share) {
		return false
	}
	rule.done++
	return true
}

// parseFault reads what a fault does: "latency=200ms; status=503; retry-after=2".
func parseFault(text string) (effect, error) {
	var e effect
	for part := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		var err error
		switch name {
		case "":
		case "status":
			if e.status, err = strconv.Atoi(value); err == nil && (e.status < 400 || e.status > 599) {
				err = fmt.Errorf("got %d, want 400 to 599", e.status)
			}
		case "retry-after":
			e.retryAfter = value // a date, or nonsense, is a fault to try too
		case "code":
			e.code = value
		case "message":
			e.message = value
		case "latency":
			e.latency, err = time.ParseDuration(value)
		case "break":
			if e.broken = breakage(value); e.broken != brokenBefore && e.broken != brokenAfter && e.broken != brokenMidway {
				err = fmt.Errorf("got %q, want before, after or midway", value)
			}
		case "token":
			if e.expired = value == "expired"; !e.expired {
				err = fmt.Errorf("got %q, want expired", value)
			}
		default:
			err = fmt.Errorf("unknown, want status, retry-after, code, message, latency, break or token")
		}
		if err != nil {
			return effect{}, badRequest("fault: %s: %v", name, err)
		}
	}
	return e, nil
}

// refusal is the answer in place of the work, nil where the work is done.
func (e effect) refusal(c *call) error {
	switch {
	case e.expired:
		return c.unauthorized(invalidToken)
	case e.status == 0:
		return nil
	}
	answer := fail(e.status, codeUnexpected, "%s, a fault on demand", http.StatusText(e.status))
	if e.status == http.StatusTooManyRequests {
		answer.Code, answer.Message = codeTooManyRequests, "Number of requests exceeded the limit of 6000 over time window of 300 seconds."
	}
	if e.code != "" {
		answer.Code = e.code
	}
	if e.message != "" {
		answer.Message = e.message
	}
	answer.Header = http.Header{}
	if e.retryAfter != "" {
		answer.Header.Set("Retry-After", e.retryAfter)
	}
	return answer
}

// delay holds the request up.
func (e effect) delay(c *call) error {
	if e.latency <= 0 {
		return nil
	}
	timer := time.NewTimer(e.latency)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-c.context().Done():
		return c.context().Err()
	}
}

// breakOff answers as far as the fault lets it, then ends the connection.
func (c *call) breakOff() {
	w := c.w
	kept := &recorder{header: w.Header()}
	if c.fault.broken != brokenBefore {
		c.w = kept
		c.answerOrFail()
	}
	if c.fault.broken == brokenMidway && kept.body.Len() > 1 {
		w.Header().Set("Content-Length", strconv.Itoa(kept.body.Len()))
		w.WriteHeader(kept.status)
		_, _ = io.CopyN(w, &kept.body, int64(kept.body.Len()/2))
		_ = http.NewResponseController(w).Flush() // what cannot flush has sent it already
	}
	panic(http.ErrAbortHandler)
}

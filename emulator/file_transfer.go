package emulator

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

// transfer is a file on its way, in chunks or in blocks.
type transfer struct {
	table, row, column string            // where an upload goes
	file               file              // what has come; of a download, all of it
	blocks             map[string][]byte // by id, until the list of them is committed
	size               int               // of all blocks
	done               bool              // all has come
	begun              time.Time
}

// transferLife is how long a transfer may take.
const transferLife = time.Hour

// transfers are the files on their way, by token.
type transfers struct {
	mu      sync.Mutex // guards all below, the transfers too
	byToken map[string]*transfer
}

// begin keeps a transfer, and forgets those that nobody has ended.
func (t *transfers) begin(u *transfer, now time.Time) (token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byToken == nil {
		t.byToken = map[string]*transfer{}
	}
	for token, old := range t.byToken {
		if now.Sub(old.begun) > transferLife {
			delete(t.byToken, token)
		}
	}
	token, u.begun = uuid.NewString(), now
	t.byToken[token] = u
	return token
}

// with does something with a transfer, alone.
func (t *transfers) with(token string, do func(*transfer) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.byToken[token]
	if u == nil {
		return unknownTransfer(token)
	}
	return do(u)
}

func unknownTransfer(token string) *Error {
	return badRequest("The session '%s' is not one of this file: begin again.", token)
}

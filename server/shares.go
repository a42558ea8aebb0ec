package server

import "sync"

// What one caller may hold at a time, so that none takes all there is. Where nobody is asked who calls, everybody is one.
const (
	callsEach    = 64
	streamsEach  = 64
	sessionsEach = 256
	callsAtAll   = 1024
)

// shares count what each caller holds.
type shares struct {
	each, together int // of a caller who is known, and of those who are not

	mu   sync.Mutex
	held map[string]int
}

func newShares(each, together int) *shares {
	return &shares{each: each, together: together, held: map[string]int{}}
}

// take gives the caller one more, unless it has its share.
func (s *shares) take(caller string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := s.each
	if caller == "" {
		limit = s.together
	}
	if s.held[caller] >= limit {
		return false
	}
	s.held[caller]++
	return true
}

// giveBack ends what take began.
func (s *shares) giveBack(caller string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[caller]--; s.held[caller] == 0 {
		delete(s.held, caller)
	}
}

package server

import (
	"container/list"
	"crypto/rand"
	"errors"
	"runtime/debug"
	"sync"
	"time"
)

const (
	maxSessions = 16_000
	sessionIdle = 30 * time.Minute

	manySessions = 1000 // whose memory is worth giving back at once
)

var errTooManySessions = errors.New("too many sessions are open: try again later")

// sessions are the HTTP clients that began with initialize. Each belongs to
// the caller who opened it; for anybody else it does not exist.
type sessions struct {
	hub   *hub
	limit int
	idle  time.Duration
	held  *shares

	mu    sync.Mutex
	byID  map[string]*session
	byUse *list.List // of *session, the longest unused first
	timer *time.Timer
}

func newSessions(h *hub, idle time.Duration) *sessions {
	return &sessions{hub: h, limit: maxSessions, idle: idle, held: newShares(sessionsEach, maxSessions), byID: map[string]*session{}, byUse: list.New()}
}

// open makes a session, in use until it is released. When there are too many,
// of all or of the caller's, the caller's own that was unused for the longest makes way.
func (t *sessions) open(caller string) (*session, error) {
	s := &session{id: rand.Text(), caller: caller, gone: make(chan struct{}), busy: 1, listener: newListener(allLists()...)}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.byID) >= t.limit && !t.makeRoom(caller) {
		return nil, errTooManySessions
	}
	if !t.held.take(caller) && (!t.makeRoom(caller) || !t.held.take(caller)) {
		return nil, errTooManySessions
	}
	if err := t.hub.add(s.listener); err != nil {
		t.held.giveBack(caller)
		return nil, err
	}
	s.used, s.spot = time.Now(), t.byUse.PushBack(s)
	t.byID[s.id] = s
	if t.timer == nil {
		t.timer = time.AfterFunc(t.idle, t.expire)
	}
	return s, nil
}

func allLists() []change {
	return []change{{list: ListTools}, {list: ListPrompts}, {list: ListResources}}
}

func (t *sessions) makeRoom(caller string) bool {
	for e := t.byUse.Front(); e != nil; e = e.Next() {
		if s, ok := e.Value.(*session); ok && s.busy == 0 && s.caller == caller {
			t.drop(s)
			return true
		}
	}
	return false
}

// acquire finds the caller's session and keeps it alive until it is released.
func (t *sessions) acquire(id, caller string) (*session, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.byID[id]
	if !ok || s.caller != caller {
		return nil, false
	}
	s.busy++
	return s, true
}

func (t *sessions) release(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.busy--
	s.used = time.Now()
	if t.byID[s.id] == s {
		t.byUse.MoveToBack(s.spot)
	}
}

// end ends the caller's session.
func (t *sessions) end(id, caller string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.byID[id]
	if !ok || s.caller != caller {
		return false
	}
	t.drop(s)
	return true
}

// drop has to be called with the mutex held, as has remove.
func (t *sessions) drop(s *session) {
	t.remove(s)
	s.end()
}

func (t *sessions) remove(s *session) {
	delete(t.byID, s.id)
	t.byUse.Remove(s.spot)
	t.hub.remove(s.listener)
	t.held.giveBack(s.caller)
}

// expire ends what was unused for too long, and comes back when the next one will be.
func (t *sessions) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, next, dropped := time.Now(), t.idle, 0
	for e := t.byUse.Front(); e != nil; {
		s, after := e.Value.(*session), e.Next()
		if s.busy > 0 {
			e = after
			continue
		}
		if next = s.used.Add(t.idle).Sub(now); next > 0 {
			break
		}
		t.drop(s)
		dropped++
		e = after
	}
	if dropped >= manySessions {
		go debug.FreeOSMemory() // an idle runtime would keep it for long
	}
	t.timer = nil
	if len(t.byID) > 0 {
		t.timer = time.AfterFunc(max(next, time.Second), t.expire)
	} else {
		t.byID = map[string]*session{} // a map keeps the room that it once needed
	}
}

// close ends all sessions, and leaves their calls the time to end.
func (t *sessions) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.byID {
		t.remove(s)
		s.leave()
	}
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
}

package server

// Sessions tells how many sessions of clients before 2026-07-28 are kept.
func (s *Server) Sessions() int {
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	return len(s.sessions.byID)
}

// Streams tells on how many streams clients hear of changes.
func (s *Server) Streams() int { return int(s.hub.followed.Load()) }

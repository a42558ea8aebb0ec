package emulator

import "net/http"

// spellings are the headers that the service does not write as Go does. Their case means nothing, but who reads an
// answer line by line looks for them as documented.
var spellings = [...]string{
	"ETag", "OData-EntityId", "OData-Version", "REQ_ID", "WWW-Authenticate", "mimetype",
	"x-ms-chunk-size", "x-ms-dop-hint", "x-ms-file-name", "x-ms-file-size", "x-ms-ratelimit-burst-remaining-xrm-requests",
	"x-ms-ratelimit-time-remaining-xrm-requests", "x-ms-service-request-id", "x-ms-session-token",
}

// spelling is an answer on its way to a connection, where headers are written as they are spelled.
type spelling struct{ http.ResponseWriter }

// spelled respells the headers of answers that a server sends. Without one, a client reads Go's own.
func spelled(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if r.Context().Value(http.ServerContextKey) == nil {
		return w
	}
	return &spelling{w}
}

// WriteHeader sends the headers.
func (s *spelling) WriteHeader(status int) {
	h := s.Header()
	for _, name := range spellings {
		key := http.CanonicalHeaderKey(name)
		if values, ok := h[key]; ok && key != name {
			delete(h, key)
			h[name] = values
		}
	}
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap is the answer itself.
func (s *spelling) Unwrap() http.ResponseWriter { return s.ResponseWriter }

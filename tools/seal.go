package tools

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash"
	"sync"
	"time"
)

// deed is what a person is asked to agree to. What was agreed to one deed is worth nothing for another, so a record
// that changed meanwhile, or another caller or argument, leads to a new question.
type deed struct {
	caller, tool, connection string
	args                     json.RawMessage
	stake
}

// purpose keeps what travels with a question from being used as a token, which a model could write, and the reverse.
type purpose string

const (
	forState purpose = "state"
	forToken purpose = "token"
)

// verdict is what a seal turns out to be worth.
type verdict int

const (
	valid verdict = iota
	forged
	expired
	spent
)

// String is a sentence for whoever presented the seal.
func (v verdict) String() string {
	return [...]string{
		"", "This confirmation is for another call, or the record has changed since.",
		"This confirmation has expired.", "This confirmation was used before.",
	}[v]
}

// sealLifetime is how long a person may take to answer.
const sealLifetime = 5 * time.Minute

const (
	nonceBytes = 8
	headBytes  = 8 + nonceBytes // expiry in seconds, then the nonce
	macBytes   = 16
)

// sealer makes proofs that a question was asked and accepts each once. A proof holds no data: what it stands for comes
// with the call that presents it, and only the same gives the same MAC.
type sealer struct {
	key []byte
	now func() time.Time

	mu    sync.Mutex
	spent map[[macBytes]byte]time.Time // until when each has to be remembered
}

// newSealer takes the key that several processes share; without one they do not accept each other's proofs.
func newSealer(key []byte, now func() time.Time) *sealer {
	if len(key) == 0 {
		key = []byte(rand.Text())
	}
	return &sealer{key: key, now: now, spent: map[[macBytes]byte]time.Time{}}
}

// seal returns 43 characters that prove that the question of d was asked.
func (s *sealer) seal(p purpose, d deed) string {
	head := binary.BigEndian.AppendUint64(nil, uint64(s.now().Add(sealLifetime).Unix()))
	nonce := make([]byte, nonceBytes)
	_, _ = rand.Read(nonce) // never fails
	head = append(head, nonce...)
	mac := s.mac(p, head, d)
	return base64.RawURLEncoding.EncodeToString(append(head, mac[:]...))
}

// open judges a proof and uses it up.
func (s *sealer) open(p purpose, d deed, sealed string) verdict {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil || len(raw) != headBytes+macBytes {
		return forged
	}
	mac := s.mac(p, raw[:headBytes], d)
	if !hmac.Equal(mac[:], raw[headBytes:]) {
		return forged
	}
	until := time.Unix(int64(binary.BigEndian.Uint64(raw)), 0)
	if !s.now().Before(until) {
		return expired
	}
	return s.spend(mac, until)
}

// spend remembers a proof for as long as it would be accepted again.
func (s *sealer) spend(mac [macBytes]byte, until time.Time) verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	for old, end := range s.spent {
		if !s.now().Before(end) {
			delete(s.spent, old)
		}
	}
	if _, ok := s.spent[mac]; ok {
		return spent
	}
	s.spent[mac] = until
	return valid
}

func (s *sealer) mac(p purpose, head []byte, d deed) (sum [macBytes]byte) {
	h := hmac.New(sha256.New, s.key)
	for _, part := range [][]byte{
		[]byte(p), head, []byte(d.caller), []byte(d.tool), []byte(d.connection), canonical(d.args), []byte(d.question), []byte(d.version),
	} {
		writePart(h, part)
	}
	copy(sum[:], h.Sum(nil))
	return sum
}

// writePart writes the length too, so that no two lists of parts read the same.
func writePart(h hash.Hash, part []byte) {
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part)))) // never fails
	_, _ = h.Write(part)
}

// canonical is one spelling of JSON: a model that repeats its arguments may order them anew.
func canonical(args json.RawMessage) []byte {
	d := json.NewDecoder(bytes.NewReader(args))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return args
	}
	text, err := json.Marshal(v)
	if err != nil {
		return args
	}
	return text
}

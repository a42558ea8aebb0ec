package dataverse

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

var (
	errNextLink    = errors.New("the service's link to what follows cannot be read")
	errForeignLink = errors.New("the service's link to what follows leads elsewhere, and is not followed")
)

// position is a place between two pages.
type position struct {
	delta string // $deltatoken of the moment that changes follow, as the service wrote it; "" where all rows are read
	token string // $skiptoken as the service wrote it, percent-encoded; "" is the start
	seen  int    // rows before it
}

// A cursor is base64url of: version, fingerprint of the query, rows seen, and the tokens, compressed: cursors travel
// through a model, which pays for every byte, and tokens consist of text that is always the same. A deltatoken stands
// before the skiptoken, with & behind it.
const (
	cursorVersion   = 1
	fingerprintSize = 8
	maxToken        = maxURL // bytes
)

// tokenText is what skip tokens of Dataverse consist of. It may only be changed together with cursorVersion.
const tokenText = "%3Ccookie%20pagenumber=%22%22%20pagingcookie=%22%253ccookie%2520page%253d%2522%253e%253c" +
	"createdonmodifiedonnamefullnameid%2520last%253d%2522%257b%257d%2522%2520first%253d%2522%257b%257d%2522%2520%252f" +
	"%253e%253c%252fcookie%253e%22%20istracking=%22False%22%20/%3E"

// fingerprint tells cursors of different queries apart.
func (p *plan) fingerprint(q Query) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%d\x00%d", p.table.LogicalName, q.Top, q.Size)
	for _, o := range p.options {
		fmt.Fprintf(h, "\x00%s=%s", o.name, o.value)
	}
	return h.Sum(nil)[:fingerprintSize]
}

func (at position) encode(fingerprint []byte) string {
	var b bytes.Buffer
	b.WriteByte(cursorVersion)
	b.Write(fingerprint)
	b.Write(binary.AppendUvarint(nil, uint64(at.seen)))
	w, err := flate.NewWriterDict(&b, flate.BestCompression, []byte(tokenText))
	if err != nil {
		panic(err) // only for a level that does not exist
	}
	// Writes to a bytes.Buffer do not fail.
	if at.delta != "" {
		_, _ = io.WriteString(w, at.delta+"&")
	}
	_, _ = io.WriteString(w, at.token)
	_ = w.Close()
	return base64.RawURLEncoding.EncodeToString(b.Bytes())
}

// readCursor refuses a cursor that is not of the query with the fingerprint.
func readCursor(cursor string, fingerprint []byte) (position, error) {
	return readPosition("cursor", cursor, fingerprint)
}

// readPosition reads a text that encode wrote; word is what the caller knows it as.
func readPosition(word, cursor string, fingerprint []byte) (position, error) {
	if cursor == "" {
		return position{}, nil
	}
	damaged := invalid("%s: it is damaged, use it as it was returned, or start without one", word)
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimSpace(cursor))
	if err != nil || len(raw) <= 1+fingerprintSize || raw[0] != cursorVersion {
		return position{}, damaged
	}
	if !bytes.Equal(raw[1:1+fingerprintSize], fingerprint) {
		return position{}, invalid("%s: it belongs to another query, repeat the query that it came from", word)
	}
	seen, n := binary.Uvarint(raw[1+fingerprintSize:])
	if n <= 0 || seen > 1<<40 {
		return position{}, damaged
	}
	packed := bytes.NewReader(raw[1+fingerprintSize+n:])
	text, err := io.ReadAll(io.LimitReader(flate.NewReaderDict(packed, []byte(tokenText)), maxToken))
	delta, token, found := bytes.Cut(text, []byte("&"))
	if !found {
		delta, token = nil, text
	}
	if err != nil || len(delta)+len(token) == 0 || !plainToken(delta) || !plainToken(token) {
		return position{}, damaged
	}
	return position{delta: string(delta), token: string(token), seen: int(seen)}, nil
}

// plainToken refuses what would end the token and begin another query option.
func plainToken(token []byte) bool {
	for _, b := range token {
		if b <= ' ' || b >= 0x7f || b == '&' || b == '#' {
			return false
		}
	}
	return true
}

package dataverse

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
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

// A cursor is base64url of: version, fingerprint of the query, checksum, rows seen, and the tokens, compressed: cursors
// travel through a model, which pays for every byte, and tokens consist of text that is always the same. A deltatoken
// stands before the skiptoken, with & behind it. The checksum is of all the rest: one sign that a model got wrong would
// lead to other rows without a word.
const (
	cursorVersion   = 2
	fingerprintSize = 8
	checksumSize    = 4
	maxToken        = maxURL // bytes
)

// tokenText is what skip tokens of Dataverse consist of. It may only be changed together with cursorVersion.
const tokenText = "%3Ccookie%20pagenumber=%22%22%20pagingcookie=%22%253ccookie%2520page%253d%2522%253e%253c" +
	"createdonmodifiedonnamefullnameid%2520last%253d%2522%257b%257d%2522%2520first%253d%2522%257b%257d%2522%2520%252f" +
	"%253e%253c%252fcookie%253e%22%20istracking=%22False%22%20/%3E"

// fingerprint tells cursors of different queries and environments apart.
func (c *Client) fingerprint(query string) []byte {
	hash := sha256.Sum256([]byte(c.root + "\x00" + query))
	return hash[:fingerprintSize]
}

func (at position) encode(fingerprint []byte) string {
	var b bytes.Buffer
	b.WriteByte(cursorVersion)
	b.Write(fingerprint)
	b.Write(make([]byte, checksumSize))
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
	binary.BigEndian.PutUint32(b.Bytes()[1+fingerprintSize:], checksum(b.Bytes()))
	return base64.RawURLEncoding.EncodeToString(b.Bytes())
}

// checksum is that of a cursor without the place for it.
func checksum(raw []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(raw[:1+fingerprintSize]), crc32.IEEETable, raw[1+fingerprintSize+checksumSize:])
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
	const headSize = 1 + fingerprintSize + checksumSize
	raw, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimSpace(cursor))
	if err != nil || len(raw) <= headSize || raw[0] != cursorVersion || binary.BigEndian.Uint32(raw[1+fingerprintSize:]) != checksum(raw) {
		return position{}, damaged
	}
	if !bytes.Equal(raw[1:1+fingerprintSize], fingerprint) {
		return position{}, invalid("%s: it belongs to another query, repeat the query that it came from", word)
	}
	seen, n := binary.Uvarint(raw[headSize:])
	if n <= 0 || seen > 1<<40 {
		return position{}, damaged
	}
	packed := bytes.NewReader(raw[headSize+n:])
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

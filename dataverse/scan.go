package dataverse

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math/bits"
	"slices"
)

var (
	errNotJSON = errors.New("not JSON")
	errNoRows  = errors.New("not an array of rows")
	// errShort says that the text read so far ends within a value. It leaves the scanner only as errNotJSON.
	errShort = errors.New("more text is needed")
)

// scanner reads JSON in one go over its text, which comes block by block. What it returns is a part of the block, and
// holds until the next one is read.
type scanner struct {
	from  io.Reader
	buf   []byte
	plain []byte // the last string that had escapes
	text  []byte // the part of buf that is read
	at    int    // where in text
	ended bool   // there are no more blocks
	depth int
}

const (
	firstBlock = 8 << 10
	fullBlock  = 64 << 10
	maxDepth   = 1000 // of what is nested: nobody's rows are that deep, but a stack has an end
)

// whole reads one value by read, again from its beginning where the text ended within it.
func (s *scanner) whole(read func() error) error {
	for {
		start, depth := s.at, s.depth
		err := read()
		if err != errShort { //nolint:errorlint // compared for every row, and never wrapped
			return err
		}
		s.at, s.depth = start, depth
		if err := s.more(); err != nil {
			return err
		}
	}
}

// more reads a block, in place of what was gone over.
func (s *scanner) more() error {
	if s.ended {
		return errNotJSON
	}
	rest, buf := s.text[s.at:], s.buf
	if size := max(min(4*len(buf), fullBlock), firstBlock, 2*len(rest)); size > len(buf) {
		s.buf = make([]byte, size)
	}
	copy(s.buf, rest)
	n, err := io.ReadFull(s.from, s.buf[len(rest):])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		s.ended, err = true, nil
	}
	s.text, s.at = s.buf[:len(rest)+n], 0
	return err
}

// end makes sure that nothing but blanks follows.
func (s *scanner) end() error {
	for {
		if _, err := s.next(); err == nil {
			return errNotJSON
		}
		if s.ended {
			return nil
		}
		if err := s.more(); err != nil {
			return err
		}
	}
}

// next is the next byte that is no blank.
func (s *scanner) next() (byte, error) {
	if s.at < len(s.text) && s.text[s.at] > ' ' { // the service writes no blanks
		return s.text[s.at], nil
	}
	return s.pastBlanks()
}

func (s *scanner) pastBlanks() (byte, error) {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c, nil
		}
	}
	return 0, errShort
}

// open goes into an object or an array, and tells whether it is empty.
func (s *scanner) open(last byte) (empty bool, err error) {
	s.at++
	if s.depth++; s.depth > maxDepth {
		return false, errNotJSON
	}
	c, err := s.next()
	if err != nil || c != last {
		return false, err
	}
	s.at++
	s.depth--
	return true, nil
}

// close goes past a comma, or past the end of the object or array.
func (s *scanner) close(last byte) (closed bool, err error) {
	c, err := s.next()
	switch {
	case err != nil:
		return false, err
	case c == ',':
		s.at++
		return false, nil
	case c == last:
		s.at++
		s.depth--
		return true, nil
	}
	return false, errNotJSON
}

// quoted goes past a string and returns what stands between its quotes.
func (s *scanner) quoted() (text []byte, escaped bool, err error) {
	c, err := s.next()
	if err != nil {
		return nil, false, err
	}
	if c != '"' {
		return nil, false, errNotJSON
	}
	start := s.at + 1
	for i := start + plainBytes(s.text[start:]); i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			s.at = i + 1
			return s.text[start:i], escaped, nil
		case c < ' ':
			return nil, false, errNotJSON
		case c == '\\':
			escaped = true
			i++ // encoding/json checks what it is
		}
	}
	return nil, false, errShort
}

// plainBytes counts bytes that mean themselves in a string, eight at a time; it may stop short of the end.
func plainBytes(text []byte) int {
	const each, high = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; len(text)-n >= 8; n += 8 {
		b := binary.LittleEndian.Uint64(text[n:])
		quote, slash := b^each*'"', b^each*'\\'
		// Taking 1 from a byte that is 0, or ' ' from one that is less, sets its highest bit.
		if found := ((b-each*' ')&^b | (quote-each)&^quote | (slash-each)&^slash) & high; found != 0 {
			return n + bits.TrailingZeros64(found)/8
		}
	}
	return n
}

// string reads a string.
func (s *scanner) string() ([]byte, error) {
	text, escaped, err := s.quoted()
	if err != nil || !escaped {
		return text, err
	}
	s.plain, err = unescape(s.plain[:0], text)
	return s.plain, err
}

// unescape appends the text between the quotes of a string to plain, without its backslashes.
func unescape(plain, text []byte) ([]byte, error) {
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			if i++; text[i] != '"' && text[i] != '\\' && text[i] != '/' { // more than an etag needs
				return decoded(text)
			}
		}
		plain = append(plain, text[i])
	}
	return plain, nil
}

// decoded leaves a string to encoding/json. Half a surrogate pair, which the service leaves where it cuts a text,
// becomes U+FFFD.
func decoded(text []byte) ([]byte, error) {
	var plain string
	if json.Unmarshal(slices.Concat([]byte{'"'}, text, []byte{'"'}), &plain) != nil {
		return nil, errNotJSON
	}
	return []byte(plain), nil
}

// key reads the name of a member and its colon.
func (s *scanner) key() ([]byte, error) {
	name, err := s.string()
	if err != nil {
		return nil, err
	}
	c, err := s.next()
	switch {
	case err != nil:
		return nil, err
	case c != ':':
		return nil, errNotJSON
	}
	s.at++
	return name, nil
}

// word reads true, false or null.
func (s *scanner) word() ([]byte, error) {
	rest := s.text[s.at:]
	for _, word := range [...]string{"true", "false", "null"} {
		switch {
		case len(rest) >= len(word) && string(rest[:len(word)]) == word:
			s.at += len(word)
			return rest[:len(word)], nil
		case len(rest) < len(word) && string(rest) == word[:len(rest)]:
			return nil, errShort
		}
	}
	return nil, errNotJSON
}

// number reads a number.
func (s *scanner) number() ([]byte, error) {
	start := s.at
	if s.text[s.at] == '-' {
		s.at++
	}
	zero := s.at < len(s.text) && s.text[s.at] == '0'
	if n := s.digits(); n == 0 || zero && n > 1 {
		return nil, s.malformed()
	}
	if s.at < len(s.text) && s.text[s.at] == '.' {
		if s.at++; s.digits() == 0 {
			return nil, s.malformed()
		}
	}
	if s.at < len(s.text) && s.text[s.at]|0x20 == 'e' {
		if s.at++; s.at < len(s.text) && (s.text[s.at] == '+' || s.text[s.at] == '-') {
			s.at++
		}
		if s.digits() == 0 {
			return nil, s.malformed()
		}
	}
	if s.at == len(s.text) { // no number ends an answer
		return nil, errShort
	}
	return s.text[start:s.at], nil
}

func (s *scanner) digits() int {
	start := s.at
	for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at - start
}

// malformed is the error of a number that does not go on as it must.
func (s *scanner) malformed() error {
	if s.at == len(s.text) {
		return errShort
	}
	return errNotJSON
}

// scalar reads a string, number or word; its first byte tells them apart. Of an object or array nothing is kept.
func (s *scanner) scalar() (text []byte, first byte, err error) {
	first, err = s.next()
	if err != nil {
		return nil, 0, err
	}
	switch {
	case first == '"':
		text, err = s.string()
	case first == '-' || '0' <= first && first <= '9':
		text, err = s.number()
	case first == '{' || first == '[':
		err = s.skip(first + 2) // } and ] stand two after { and [
	default:
		text, err = s.word()
	}
	return text, first, err
}

// skip goes past an object or array.
func (s *scanner) skip(last byte) error {
	closed, err := s.open(last)
	for err == nil && !closed {
		if last == '}' {
			if _, err := s.key(); err != nil {
				return err
			}
		}
		if _, _, err := s.scalar(); err != nil {
			return err
		}
		closed, err = s.close(last)
	}
	return err
}

package odata

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Faults of JSON arguments, in the words of the service.
const (
	jsonComma      = "Invalid JSON. A comma character ',' was expected in scope '%s'. Every two elements in an array and properties of an object must be separated by commas"
	jsonUnbalanced = "Found an unbalanced bracket expression"
	jsonUnexpected = "Invalid JSON. Unexpected token"
)

// json reads the array or object that the current token opens. It goes by bytes rather than tokens because quotes
// follow other rules in JSON: a backslash escapes, and two single quotes end one string and start another.
func (p *parser) json() (Expr, error) {
	j := &jsonReader{p: p, pos: p.tok.pos}
	x, err := j.value()
	if err != nil {
		return nil, err
	}
	return x, p.advanceTo(j.pos)
}

type jsonReader struct {
	p   *parser
	pos int
}

func (j *jsonReader) value() (Expr, error) {
	switch j.peek() {
	case '[':
		x := &List{JSON: true}
		return x, j.sequence(']', "Array", func() error {
			item, err := j.value()
			x.Items = append(x.Items, item)
			return err
		})
	case '{':
		var text bytes.Buffer
		err := j.object(&text)
		return &Object{Text: text.String()}, err
	case '"', '\'':
		s, err := j.str()
		return &Literal{Kind: String, Value: s}, err
	}
	return j.scalar()
}

// scalar reads a number, true, null and the like; in an array also a bare guid, date or enum, which clients send.
func (j *jsonReader) scalar() (*Literal, error) {
	save := j.p.tok
	defer func() { j.p.tok = save }()
	if err := j.p.advanceTo(j.pos); err != nil {
		return nil, err
	}
	x := j.p.tok.literal
	if x == nil {
		x = j.p.keyword()
	}
	if x == nil {
		return nil, j.unexpected()
	}
	j.pos = j.p.tok.end
	return x, nil
}

// object copies an object to out as compact JSON with double quotes.
func (j *jsonReader) object(out *bytes.Buffer) error {
	out.WriteByte('{')
	first := true
	err := j.sequence('}', "Object", func() error {
		if !first {
			out.WriteByte(',')
		}
		first = false
		if c := j.peek(); c != '"' && c != '\'' {
			return j.unexpected()
		}
		key, err := j.str()
		if err != nil {
			return err
		}
		writeJSONString(out, key)
		if j.peek() != ':' {
			return j.unexpected()
		}
		j.pos++
		out.WriteByte(':')
		return j.member(out)
	})
	out.WriteByte('}')
	return err
}

// member copies a value inside an object, where only JSON is allowed.
func (j *jsonReader) member(out *bytes.Buffer) error {
	switch j.peek() {
	case '{':
		return j.object(out)
	case '[':
		out.WriteByte('[')
		first := true
		err := j.sequence(']', "Array", func() error {
			if !first {
				out.WriteByte(',')
			}
			first = false
			return j.member(out)
		})
		out.WriteByte(']')
		return err
	case '"', '\'':
		s, err := j.str()
		writeJSONString(out, s)
		return err
	}
	start := j.pos
	if _, err := j.scalar(); err != nil {
		return err
	}
	text := j.p.s[start:j.pos]
	if !json.Valid([]byte(text)) {
		j.pos = start
		return j.unexpected()
	}
	out.WriteString(text)
	return nil
}

// sequence reads an opening bracket, items with commas between them, and closing.
func (j *jsonReader) sequence(closing byte, scope string, item func() error) error {
	if err := j.p.enter(); err != nil {
		return err
	}
	defer j.p.leave()
	j.pos++
	if j.peek() == closing {
		j.pos++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		switch j.peek() {
		case closing:
			j.pos++
			return nil
		case ',':
			j.pos++
		case 0:
			return j.p.fail(jsonUnbalanced)
		default:
			return j.p.fail(strings.Replace(jsonComma, "%s", scope, 1))
		}
	}
}

// str reads a string in either kind of quotes.
func (j *jsonReader) str() (string, error) {
	s, quote := j.p.s, j.p.s[j.pos]
	quoted := []byte{'"'}
	for i := j.pos + 1; i < len(s); i++ {
		switch {
		case s[i] == quote:
			var v string
			if json.Unmarshal(append(quoted, '"'), &v) != nil {
				return "", j.unexpected()
			}
			j.pos = i + 1
			return v, nil
		case s[i] == '\\' && i+1 < len(s):
			i++
			if s[i] != '\'' { // \' is no escape in strict JSON, but the service knows it
				quoted = append(quoted, '\\')
			}
			quoted = append(quoted, s[i])
		case s[i] == '"':
			quoted = append(quoted, '\\', '"')
		default:
			quoted = append(quoted, s[i])
		}
	}
	return "", j.p.fail(jsonUnbalanced)
}

// peek skips blanks and is the byte that follows them, 0 at the end.
func (j *jsonReader) peek() byte {
	for j.pos < len(j.p.s) && isSpace(j.p.s[j.pos]) {
		j.pos++
	}
	if j.pos == len(j.p.s) {
		return 0
	}
	return j.p.s[j.pos]
}

func (j *jsonReader) unexpected() error {
	if j.pos == len(j.p.s) {
		return j.p.fail(jsonUnbalanced)
	}
	return &SyntaxError{Input: j.p.s, Pos: j.pos, Msg: jsonUnexpected}
}

// writeJSONString leaves <, > and & as they are.
func writeJSONString(out *bytes.Buffer, s string) {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)           // a string and a buffer cannot fail
	out.Truncate(out.Len() - 1) // the newline that Encode adds
}

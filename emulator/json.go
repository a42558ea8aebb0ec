package emulator

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"slices"
)

// object is a JSON object under construction: its properties come out in the order in which they were added, as the
// real answers have an order that clients see.
type object []byte

func (o *object) key(name string) {
	if len(*o) == 0 {
		*o = append(*o, '{')
	} else {
		*o = append(*o, ',')
	}
	*o = appendString(*o, name)
	*o = append(*o, ':')
}

// text adds a string.
func (o *object) text(name, value string) {
	o.key(name)
	*o = appendString(*o, value)
}

// raw adds a value that is JSON already.
func (o *object) raw(name string, value []byte) {
	o.key(name)
	*o = append(*o, value...)
}

// any adds what encoding/json makes of the value.
func (o *object) any(name string, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // our own types marshal
	}
	o.raw(name, data)
}

// bytes closes the object.
func (o *object) bytes() []byte {
	if len(*o) == 0 {
		return []byte("{}")
	}
	return append(*o, '}')
}

// appendString appends a JSON string, escaping what JSON demands and no more: & and < stand bare in real answers.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = fmt.Appendf(b, `\u%04x`, c)
		}
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// answer is a JSON body.
func (c *call) answer(status int, body []byte) error { return c.answerAs(status, "", whole(body)) }

// stream writes the rows of a collection.
func (c *call) stream(body iter.Seq[[]byte]) error {
	return c.answerAs(http.StatusOK, "; odata.streaming=true", body)
}

// whole is a body in one part.
func whole(body []byte) iter.Seq[[]byte] { return slices.Values([][]byte{body}) }

func (c *call) answerAs(status int, parameter string, body iter.Seq[[]byte]) error {
	c.w.Header().Set("Content-Type", "application/json; odata.metadata="+c.metadataLevel()+parameter)
	c.status, c.held = status, body
	return nil
}

// empty answers without a body.
func (c *call) empty() error {
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// properties adds all properties of an object that is JSON already.
func (o *object) properties(other []byte) {
	inner := other[1 : len(other)-1]
	if len(inner) == 0 {
		return
	}
	if len(*o) == 0 {
		*o = append(*o, '{')
	} else {
		*o = append(*o, ',')
	}
	*o = append(*o, inner...)
}

package server

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Limits of one message besides its length: four bytes of JSON can become a hundred in memory, several times over.
const (
	maxValues = 100_000
	maxDepth  = 128
	maxID     = 1 << 10 // bytes of an id or a progress token, which answers repeat
)

// members are the names that decide what a message does: those of the message, and those of its params. encoding/json
// would take other spellings for them, and the last of two; whoever looks at the message on its way may not.
func members() [2][]string {
	return [2][]string{
		{"jsonrpc", "id", "method", "params", "result", "error"},
		{"_meta", "name", "uri", "arguments", "requestId", "taskId", "notifications", "requestState", "inputResponses"},
	}
}

// inspect says what is wrong with raw, which is valid JSON, before any of it becomes values; "" for nothing.
func inspect(raw []byte) string {
	values, depth, inParams := 0, 0, false
	var seen [2]uint // bits of the members that were there
	names := members()
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '{', '[':
			values++
			depth++
		case '}', ']':
			depth--
		case ',':
			values++
		case '"':
			end := endOfText(raw, i)
			if (depth == 1 || depth == 2 && inParams) && isKey(raw[end:]) {
				name, ok := spelled(raw[i:end], names[depth-1], &seen[depth-1])
				if !ok {
					return "want " + name + " once, and spelled so"
				}
				if depth == 1 {
					inParams = name == "params"
				}
			}
			i = end - 1
		}
		if values > maxValues {
			return "message holds more than 100000 values"
		}
		if depth > maxDepth {
			return "message is nested more than 128 deep"
		}
	}
	return ""
}

// endOfText is where the text that begins at raw[i] has ended.
func endOfText(raw []byte, i int) int {
	for i++; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return len(raw)
}

func isKey(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}

// spelled finds which of names a key is, "" for none, and tells whether it is spelled so and there for the first time.
func spelled(key []byte, names []string, seen *uint) (name string, ok bool) {
	plain := string(key[1 : len(key)-1])
	if bytes.IndexByte(key, '\\') >= 0 && json.Unmarshal(key, &plain) != nil {
		return "", true // no JSON after all
	}
	for i, name := range names {
		if strings.EqualFold(plain, name) {
			first := *seen&(1<<i) == 0
			*seen |= 1 << i
			return name, first && string(key) == `"`+name+`"`
		}
	}
	return "", true
}

package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"
)

// message is one JSON-RPC message as far as the edge has to understand it.
type message struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   json.RawMessage `json:"error"`
}

// parse reads one message. Its error is what the sender has to be told.
func parse(raw []byte) (message, *mcp.JSONRPCErrorDetails) {
	var m message
	if !utf8.Valid(raw) {
		return m, refusal(mcp.PARSE_ERROR, "message is not UTF-8")
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			if wrong.Value == "array" && wrong.Field == "" {
				return m, refusal(mcp.INVALID_REQUEST, "batches are not supported: send one message a request")
			}
			return m, refusal(mcp.INVALID_REQUEST, "not a JSON-RPC message")
		}
		return m, refusal(mcp.PARSE_ERROR, "message is not valid JSON")
	}
	if len(m.ID) > maxID {
		m.ID = nil
		return m, refusal(mcp.INVALID_REQUEST, "the id of a message can have 1024 bytes")
	}
	if wrong := inspect(raw); wrong != "" {
		return m, refusal(mcp.INVALID_REQUEST, wrong)
	}
	switch {
	case m.JSONRPC != mcp.JSONRPC_VERSION:
		return m, refusal(mcp.INVALID_REQUEST, `not a JSON-RPC message: want "jsonrpc":"2.0"`)
	case m.Method == "" && !m.isResponse():
		return m, refusal(mcp.INVALID_REQUEST, "neither a request nor a response: method, result and error are missing")
	case m.Method != "" && len(m.Result)+len(m.Error) > 0 || len(m.Result) > 0 && len(m.Error) > 0:
		return m, refusal(mcp.INVALID_REQUEST, "want one of method, result and error")
	case len(m.ID) > 0 && !m.isNotification() && !bytes.ContainsAny(m.ID[:1], `"-0123456789`):
		m.ID = nil // an answer cannot repeat it
		return m, refusal(mcp.INVALID_REQUEST, "the id of a request has to be a string or a number")
	case len(m.ID) > 0 && !isNull(m.Params) && m.Params[0] != '{':
		return m, refusal(mcp.INVALID_PARAMS, "params: want an object")
	}
	return m, nil
}

// isNotification tells what wants no answer. Some clients give their notifications a null id.
func (m message) isNotification() bool {
	return m.Method != "" && (len(m.ID) == 0 || isNull(m.ID) && bytes.HasPrefix([]byte(m.Method), []byte("notifications/")))
}

func (m message) isResponse() bool {
	return m.Method == "" && len(m.ID) > 0 && (len(m.Result) > 0 || len(m.Error) > 0)
}

// params are the parameters that the edge acts upon itself.
type params struct {
	Meta      *mcp.Meta       `json:"_meta"`
	URI       string          `json:"uri"`
	Cursor    string          `json:"cursor"`
	RequestID json.RawMessage `json:"requestId"`
}

// read leaves out what has another type: saying so is the library's part, which knows the method.
func (m message) read() params {
	var p params
	if len(m.Params) > 0 {
		_ = json.Unmarshal(m.Params, &p)
	}
	return p
}

// token is the progress token as the client wrote it; nil where it asked for no progress.
func (m message) token(p params) json.RawMessage {
	if p.Meta == nil || p.Meta.ProgressToken == nil {
		return nil
	}
	var with struct {
		Meta struct {
			Token json.RawMessage `json:"progressToken"`
		} `json:"_meta"`
	}
	if json.Unmarshal(m.Params, &with) != nil {
		return nil
	}
	token := with.Meta.Token
	isText, isWhole := bytes.HasPrefix(token, []byte(`"`)), len(bytes.Trim(token, "-0123456789")) == 0
	if len(token) > maxID || !isText && !isWhole {
		return nil // the protocol knows texts and whole numbers
	}
	return token
}

func refusal(code int, text string) *mcp.JSONRPCErrorDetails {
	return &mcp.JSONRPCErrorDetails{Code: code, Message: text}
}

// failed is the answer that carries an error.
func failed(id json.RawMessage, e *mcp.JSONRPCErrorDetails) answer {
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	m := failure{JSONRPC: mcp.JSONRPC_VERSION, ID: id, Error: *e}
	text, err := json.Marshal(m)
	if err != nil { // the data of a handler's error
		m.Error.Data = nil
		text, _ = json.Marshal(m) // the id was read from JSON, the rest is text
	}
	return answer{text: text, failure: e.Code}
}

type failure struct {
	JSONRPC string                  `json:"jsonrpc"`
	ID      json.RawMessage         `json:"id"`
	Error   mcp.JSONRPCErrorDetails `json:"error"`
}

// outgoing is a notification or a request of the server's own.
type outgoing struct {
	JSONRPC string `json:"jsonrpc"`
	ID      int64  `json:"id,omitempty"`
	Method  string `json:"method"`
	Params  any    `json:"params,omitempty"`
}

func notification(method string, params any) outgoing {
	return outgoing{JSONRPC: mcp.JSONRPC_VERSION, Method: method, Params: params}
}

// canonical is one spelling of an id: the client may use another the next time.
func canonical(id json.RawMessage) string {
	if !bytes.ContainsAny(id, `\.eE`) || id[0] == '"' && !bytes.Contains(id, []byte(`\`)) {
		return string(id) // as nearly all are
	}
	var v any
	if json.Unmarshal(id, &v) != nil {
		return string(id)
	}
	plain, err := json.Marshal(v)
	if err != nil {
		return string(id)
	}
	return string(plain)
}

func isNull(id json.RawMessage) bool { return len(id) == 0 || bytes.Equal(id, []byte("null")) }

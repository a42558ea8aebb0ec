package emulator

import (
	"bytes"
	"fmt"
	"net/http"
)

// batchAnswer is the multipart answer to a batch or to a change set under construction.
type batchAnswer struct {
	boundary string
	body     bytes.Buffer
}

func newBatchAnswer(boundary string) *batchAnswer { return &batchAnswer{boundary: boundary} }

// innerHeaders are the headers that an answer inside a batch carries, spelled as clients look for them.
var innerHeaders = []string{"Content-Type", "OData-Version", "Location", "OData-EntityId", "ETag", "Preference-Applied",
	"Retry-After", "WWW-Authenticate"}

// add adds the answer to one request.
func (a *batchAnswer) add(contentID string, w *recorder) {
	fmt.Fprintf(&a.body, "--%s\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n", a.boundary)
	if contentID != "" {
		fmt.Fprintf(&a.body, "Content-ID: %s\r\n", contentID)
	}
	fmt.Fprintf(&a.body, "\r\nHTTP/1.1 %d %s\r\n", w.status, http.StatusText(w.status))
	if w.status >= http.StatusBadRequest {
		fmt.Fprintf(&a.body, "REQ_ID: %s\r\n", w.sent.Get("REQ_ID"))
	}
	for _, name := range innerHeaders {
		for _, value := range w.sent.Values(name) {
			fmt.Fprintf(&a.body, "%s: %s\r\n", name, value)
		}
	}
	a.body.WriteString("\r\n")
	a.body.Write(w.body.Bytes())
	a.body.WriteString("\r\n")
}

// addSet adds the answer to a change set.
func (a *batchAnswer) addSet(set *batchAnswer) {
	fmt.Fprintf(&a.body, "--%s\r\nContent-Type: multipart/mixed; boundary=%s\r\n\r\n", a.boundary, set.boundary)
	a.body.Write(set.bytes())
}

// bytes closes the answer.
func (a *batchAnswer) bytes() []byte {
	fmt.Fprintf(&a.body, "--%s--\r\n", a.boundary)
	return a.body.Bytes()
}

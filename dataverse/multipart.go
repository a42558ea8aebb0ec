package dataverse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// reply is an answer inside the answer to a $batch.
type reply struct {
	answer
	number int // of the request in the change set, from 1; 0 where it is not told
}

// envelope packs requests into the body of a $batch: each by itself, or together in a change set. All lines end in
// CRLF, as the service insists.
func (c *Client) envelope(requests []request, together bool) (body []byte, contentType string) {
	var b bytes.Buffer
	w, contentType := newMultipart(&b, "batch_")
	if together {
		var set bytes.Buffer
		inner, setType := newMultipart(&set, "changeset_")
		c.writeParts(inner, requests, true)
		writePart(w, textproto.MIMEHeader{"Content-Type": {setType}}, set.Bytes())
	} else {
		c.writeParts(w, requests, false)
	}
	_ = w.Close() // writes to a bytes.Buffer do not fail, here and below
	return b.Bytes(), contentType
}

func newMultipart(b *bytes.Buffer, prefix string) (w *multipart.Writer, contentType string) {
	w = multipart.NewWriter(b)
	boundary := prefix + uuid.NewString()
	if err := w.SetBoundary(boundary); err != nil {
		panic(err) // only for signs that no UUID has
	}
	return w, "multipart/mixed; boundary=" + boundary
}

func (c *Client) writeParts(w *multipart.Writer, requests []request, numbered bool) {
	for i, r := range requests {
		header := textproto.MIMEHeader{"Content-Type": {"application/http"}, "Content-Transfer-Encoding": {"binary"}}
		if numbered {
			header["Content-ID"] = []string{strconv.Itoa(i + 1)}
		}
		writePart(w, header, c.message(r))
	}
	_ = w.Close()
}

func writePart(w *multipart.Writer, header textproto.MIMEHeader, body []byte) {
	p, _ := w.CreatePart(header)
	_, _ = p.Write(body)
}

// message writes r as HTTP does. An empty line follows the headers even where no body does.
func (c *Client) message(r request) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.method, c.rootPath()+r.path+r.queryString())
	if r.body != nil {
		b.WriteString("Content-Type: application/json; charset=utf-8\r\n")
	}
	b.WriteString("Accept: application/json\r\n")
	for _, h := range r.header {
		fmt.Fprintf(&b, "%s: %s\r\n", h.name, h.value)
	}
	b.WriteString("\r\n")
	b.Write(r.body)
	return b.Bytes()
}

// rootPath is the service root without its host.
func (c *Client) rootPath() string {
	_, afterScheme, _ := strings.Cut(c.root, "://")
	_, path, _ := strings.Cut(afterScheme, "/")
	return "/" + path
}

// isMultipart says whether a is the answer to a $batch. Its status may be that of the request in it that failed.
func isMultipart(h http.Header) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return strings.HasPrefix(kind, "multipart/")
}

var errNoEnvelope = errors.New("the answer to a batch is none")

// open unpacks the answer to a $batch, change sets too. With an error come the replies before it.
func open(header http.Header, body io.Reader) ([]reply, error) {
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return nil, errNoEnvelope
	}
	var replies []reply
	parts := multipart.NewReader(body, params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return replies, nil
		}
		if err != nil {
			return replies, err
		}
		if isMultipart(http.Header(p.Header)) {
			inner, err := open(http.Header(p.Header), p)
			if replies = append(replies, inner...); err != nil {
				return replies, err
			}
			continue
		}
		one, err := readReply(p)
		if err != nil {
			return replies, err
		}
		replies = append(replies, one)
	}
}

func readReply(p *multipart.Part) (reply, error) {
	resp, err := http.ReadResponse(bufio.NewReader(p), nil)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode < http.StatusOK {
		return reply{}, errNoEnvelope
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	number, _ := strconv.Atoi(p.Header.Get("Content-ID")) // 0 where the service does not tell
	return reply{answer: answer{status: resp.StatusCode, header: resp.Header, body: bytes.TrimRight(body, "\r\n")}, number: number}, nil
}

// enclose makes a $batch of a read whose URL would be too long.
func (c *Client) enclose(r request) request {
	body, contentType := c.envelope([]request{r}, false)
	return request{
		op: r.op, method: http.MethodPost, path: "$batch", body: body, header: []param{{"Content-Type", contentType}},
		repeatable: true, encloses: true, read: r.read,
	}
}

// disclose takes the answer to an enclosed read out of a.
func (c *Client) disclose(a *answer) (*answer, error) {
	if !isMultipart(a.header) {
		return a, nil
	}
	replies, err := open(a.header, bytes.NewReader(a.body))
	if err == nil && len(replies) != 1 {
		err = errNoEnvelope
	}
	if err != nil {
		return nil, &Error{Kind: Internal, Status: a.status, Message: "the answer to a batch cannot be read", RequestID: requestID(a.header), Err: err}
	}
	one := replies[0].answer
	for name, values := range a.header { // the limits and the request id are told outside
		if _, ok := one.header[name]; !ok && name != "Content-Type" {
			one.header[name] = values
		}
	}
	return &one, nil
}

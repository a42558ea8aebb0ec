package dataverse

import (
	"context"
	"hash/maphash"
	"iter"
	"net/http"
	"net/url"
	"regexp"
)

// listing is a query in the service's words, which is answered page by page.
type listing struct {
	op          string
	fingerprint []byte // tells its cursors from those of other queries
	fetch       pager
}

// pager asks for the page at a position. The position returned has no token when nothing follows.
type pager func(context.Context, position) (Page, position, error)

// page returns the page that cursor leads to; "" is the first.
func (l *listing) page(ctx context.Context, cursor string) (Page, error) {
	at, err := readCursor(cursor, l.fingerprint)
	if err != nil {
		return Page{}, during(l.op, err)
	}
	out, next, err := l.fetch(ctx, at)
	if err != nil {
		return Page{}, err
	}
	if next.token != "" {
		out.Cursor = next.encode(l.fingerprint)
	}
	return out, nil
}

// allRows yields the rows of the query that compile makes, page by page as the caller asks for more. An error ends
// them; op names one of compile.
func allRows(ctx context.Context, op string, compile func() (*listing, error)) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		l, err := compile()
		if err != nil {
			yield(Row{}, during(op, err))
			return
		}
		been, seed := map[uint64]bool{}, maphash.MakeSeed() // hashes, as there may be many pages
		for at := (position{}); ; {
			page, next, err := l.fetch(ctx, at)
			if err == nil && next.token != "" && been[maphash.String(seed, next.place())] {
				err = samePage(l.op, &answer{status: http.StatusOK})
			}
			if err != nil {
				yield(Row{}, err)
				return
			}
			been[maphash.String(seed, next.place())] = true
			for _, row := range page.Rows {
				if !yield(row, nil) {
					return
				}
			}
			if next.token == "" {
				return
			}
			at = next
		}
	}
}

// samePage is the error of a next page that was there before. A bug of the service lets the page number rise while the
// cookie stands still: the same page would come for ever.
func samePage(op string, a *answer) *Error {
	return &Error{Op: op, Kind: Internal, Status: a.status, RequestID: requestID(a.header),
		Message: "the service's next page is the same page again"}
}

// place is where at leads to, whatever number it gives the page.
func (at position) place() string {
	if !at.byFetch() {
		return place(at.token)
	}
	if cookie := at.fetchPage().cookie; cookie != "" {
		return unnumbered(cookie)
	}
	return at.token
}

var (
	withCookie = regexp.MustCompile(` pagingcookie="[^"]`)
	pageNumber = regexp.MustCompile(` page(number)?="[0-9]+"`)
)

// place is where a skip token leads to, whatever number it gives the page. Only the number tells tokens without a cookie
// apart.
func place(token string) string {
	text, err := url.PathUnescape(token)
	if err != nil || !withCookie.MatchString(text) {
		return token
	}
	for range 2 { // as often as the service encodes the cookie in there
		if plain, err := url.PathUnescape(text); err == nil {
			text = plain
		}
	}
	return unnumbered(text)
}

// unnumbered is a paging cookie without the number of its page.
func unnumbered(cookie string) string { return pageNumber.ReplaceAllString(cookie, "") }

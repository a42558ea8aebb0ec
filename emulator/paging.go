package emulator

import (
	"encoding/xml"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// cookie is where a page begins. The service writes it as $skiptoken:
//
//	<cookie pagenumber="2" pagingcookie="…" istracking="False" />
//
// where pagingcookie is, URL-encoded twice, the first and last key values of the page before:
//
//	<cookie page="1"><name last="B" first="A" /><accountid last="{GUID}" first="{GUID}" /></cookie>
type cookie struct {
	page int
	last []cookieValue // in the order of the query's terms; empty: skip whole pages instead

	tracking bool // it leads through the changes of a table
}

type cookieValue struct {
	name        string
	last, first *string // nil is null
}

func (k cookie) skiptoken() string { return k.text(k.page) }

// annotation is the cookie beside the rows of a FetchXML query. Its pagenumber is 2 on every page, as the service has
// it: clients count pages themselves.
func (k cookie) annotation() string { return k.text(2) }

func (k cookie) text(page int) string {
	inner := ""
	if len(k.last) > 0 {
		var b strings.Builder
		fmt.Fprintf(&b, `<cookie page="%d">`, k.page-1)
		for _, v := range k.last {
			fmt.Fprintf(&b, `<%s`, v.name)
			cookieAttribute(&b, "last", v.last)
			cookieAttribute(&b, "first", v.first)
			b.WriteString(` />`)
		}
		b.WriteString(`</cookie>`)
		inner = fmt.Sprintf(` pagingcookie="%s"`, encode(encode(b.String())))
	}
	state := `istracking="False"`
	if k.tracking {
		state = tracking
	}
	return fmt.Sprintf(`<cookie pagenumber="%d"%s %s />`, page, inner, state)
}

const tracking = `istracking="True"`

func cookieAttribute(b *strings.Builder, name string, value *string) {
	if value == nil {
		fmt.Fprintf(b, ` %snull="1"`, name)
		return
	}
	fmt.Fprintf(b, ` %s="`, name)
	_ = xml.EscapeText(b, []byte(*value)) // a strings.Builder does not fail
	b.WriteByte('"')
}

// encode percent-encodes as the service does: lower-case hex, and every character that is not a letter, a digit or one of
// - _ . ~ is encoded.
func encode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

func badCookie() *Error {
	return fail(400, "0x8004112a", "Malformed XML in the Paging Cookie")
}

// parseSkiptoken reads what skiptoken wrote. The text is decoded once already, as a query value is.
func parseSkiptoken(token string) (cookie, error) {
	var outer struct {
		XMLName xml.Name `xml:"cookie"`
		Page    string   `xml:"pagenumber,attr"`
		Inner   string   `xml:"pagingcookie,attr"`
	}
	if err := xml.Unmarshal([]byte(token), &outer); err != nil {
		return cookie{}, badCookie()
	}
	page, err := strconv.Atoi(outer.Page)
	if err != nil || page < 2 || page > math.MaxInt32 {
		return cookie{}, badCookie()
	}
	k := cookie{page: page}
	if outer.Inner == "" {
		return k, nil
	}
	_, k.last, err = parseInnerCookie(outer.Inner)
	return k, err
}

// parseInnerCookie reads the number of a page and where it ends. A query string or a client has taken none, one or both
// of the two encodings off already.
func parseInnerCookie(text string) (page int, last []cookieValue, err error) {
	for range 2 {
		if strings.HasPrefix(text, "<") {
			break
		}
		if text, err = url.PathUnescape(text); err != nil {
			return 0, nil, badCookie()
		}
	}
	var inner struct {
		XMLName xml.Name `xml:"cookie"`
		Page    int      `xml:"page,attr"`
		Keys    []struct {
			XMLName xml.Name
			Attrs   []xml.Attr `xml:",any,attr"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal([]byte(text), &inner); err != nil {
		return 0, nil, badCookie()
	}
	for _, key := range inner.Keys {
		v := cookieValue{name: key.XMLName.Local}
		for _, a := range key.Attrs {
			switch a.Name.Local {
			case "last":
				v.last = &a.Value
			case "first":
				v.first = &a.Value
			}
		}
		last = append(last, v)
	}
	return inner.Page, last, nil
}

// after is the condition for the rows behind the cookie, in the order of the terms.
func (k cookie) after(terms []orderTerm) (fragment, error) {
	if len(k.last) != len(terms) {
		return fragment{}, fail(400, "0x80041129", "The paging cookie does not belong to the order of the query.")
	}
	var alternatives []fragment
	var equal []fragment
	for i, term := range terms {
		last := k.last[i]
		if last.name != term.name {
			return fragment{}, fail(400, "0x80041129", "The paging cookie does not belong to the order of the query.")
		}
		beyond := term.beyond(last.last)
		alternatives = append(alternatives, joined(" AND ", append(append([]fragment{}, equal...), beyond)))
		equal = append(equal, concat(term.sql, " IS ", term.cookieValue(last.last)))
	}
	return joined(" OR ", alternatives), nil
}

// beyond is the condition for values that come after last. Values that are null come first in ascending order.
func (o orderTerm) beyond(last *string) fragment {
	switch {
	case last == nil && o.desc:
		return fragment{sql: "0"}
	case last == nil:
		return concat(o.sql, " IS NOT NULL")
	case o.desc:
		return concat("(", o.sql, " < ", o.cookieValue(last), " OR ", o.sql, " IS NULL)")
	}
	return concat(o.sql, " > ", o.cookieValue(last))
}

// cookieValue is a cookie's text as the store compares it.
func (o orderTerm) cookieValue(text *string) fragment {
	if text == nil {
		return fragment{sql: "NULL"}
	}
	switch class(o.edm) {
	case "number", "Edm.Boolean":
		return concat("CAST(", value(*text), " AS NUMERIC)")
	case "guid":
		return value(strings.ToLower(strings.Trim(*text, "{}")))
	}
	return value(*text)
}

// cookieText is a value of the store as the cookie writes it.
func (o orderTerm) cookieText(v any) *string {
	if v == nil {
		return nil
	}
	text := fmt.Sprint(v)
	if f, ok := v.(float64); ok {
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	if o.edm == "Edm.Guid" {
		text = "{" + strings.ToUpper(text) + "}"
	}
	return &text
}

// nextLink is the request's own address with its options as the client wrote them, less those that only the first
// page honours, and the cookie.
func (c *call) nextLink(k cookie) string {
	return c.link("$skiptoken="+encodeToken(k.skiptoken()), "$skiptoken", "$count", "$top")
}

// link is the request's own address with one option more and some less.
func (c *call) link(option string, without ...string) string {
	var kept []string
	for pair := range strings.SplitSeq(c.r.URL.RawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if name == "" || slices.Contains(without, unescape(name)) {
			continue
		}
		kept = append(kept, pair)
	}
	kept = append(kept, option)
	return c.origin() + c.r.URL.EscapedPath() + "?" + strings.Join(kept, "&")
}

// encodeToken encodes the outer cookie as the service does: =, / and the encoded cookie inside stay.
func encodeToken(token string) string {
	return strings.NewReplacer("<", "%3C", ">", "%3E", `"`, "%22", " ", "%20").Replace(token)
}

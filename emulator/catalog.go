package emulator

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// catalog is a schema with what is made of it. It never changes: a change of the schema makes another one.
type catalog struct {
	schema *schema.Schema

	labelled, unlabelled *metadata // definitions in all languages, and for those who ask for one that has no labels

	plainCSDL, annotatedCSDL func() []byte // made when first asked for
}

// newCatalog makes one. Write makes the metadata document.
func newCatalog(s *schema.Schema, write func(s *schema.Schema, annotated bool) []byte) *catalog {
	return &catalog{
		schema: s, labelled: newMetadata(s, nil, nil), unlabelled: newMetadata(s, []int{}, nil),
		plainCSDL:     sync.OnceValue(func() []byte { return write(s, false) }),
		annotatedCSDL: sync.OnceValue(func() []byte { return write(s, true) }),
	}
}

// labelledIn are the definitions with labels in these languages only. Those in English alone, and those in none, are
// asked for most.
func (c *catalog) labelledIn(languages []int) *metadata {
	translated := c.schema.Version > 0
	switch {
	case translated:
		return newMetadata(c.schema, append([]int{}, languages...), nil)
	case slices.Contains(languages, english):
		return c.labelled
	}
	return c.unlabelled
}

// hold keeps the schema as it is while the request is answered, or keeps all others out while the request changes it.
// The caller has read the client's body: clients may take their time.
func (c *call) hold(customizes bool) (release func()) {
	if customizes {
		c.customizing.Lock()
		c.catalog = c.current.Load()
		return c.customizing.Unlock
	}
	c.customizing.RLock()
	c.catalog = c.current.Load()
	return c.customizing.RUnlock
}

// buffer reads the body of a request.
func (c *call) buffer() error {
	if c.r.Body == nil || c.r.Body == http.NoBody {
		return nil
	}
	data, err := io.ReadAll(c.r.Body)
	c.r.Body = io.NopCloser(bytes.NewReader(data))
	return err
}

// customizes reports whether a request changes the schema.
func customizes(method string, path []odata.Segment) bool {
	if len(path) == 0 || method == http.MethodGet {
		return false
	}
	name := path[0].Name
	return metadataSets[name] != "" || slices.ContainsFunc(messages, func(m message) bool {
		return m.customizes && strings.EqualFold(m.name, name)
	})
}

// customizes reports whether an operation of a batch may change the schema.
func (o operation) customizes() bool {
	path, _, _ := strings.Cut(o.url, "?")
	for segment := range strings.SplitSeq(path, "/") {
		name, _, _ := strings.Cut(segment, "(")
		if customizes(o.method, []odata.Segment{{Name: name}}) {
			return true
		}
	}
	return false
}

// customizes reports whether one of the item's operations may change the schema.
func (i batchItem) customizes() bool { return slices.ContainsFunc(i.operations, operation.customizes) }

// draft is a schema that a request is changing, with the transaction that the rows change in.
type draft struct {
	*schema.Schema
	tx      *sql.Tx
	version int64 // of everything that changes

	firstOption int // the least value that an option gets which is given none
}

// execute changes the database.
func (d *draft) execute(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := d.tx.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// customize changes the schema: all of change, or nothing.
func (c *call) customize(change func(context.Context, *draft) error) error {
	next := c.schema.Clone()
	err := c.db.Write(c.context(), func(ctx context.Context, tx *sql.Tx) error {
		d := &draft{Schema: next, tx: tx, version: c.db.NextVersion()}
		if err := change(ctx, d); err != nil {
			return err
		}
		next.Version = d.version
		next.Link()
		data, err := next.Save()
		if err != nil {
			return err
		}
		return store.SaveSchema(ctx, tx, data)
	})
	if err == nil {
		c.current.Store(newCatalog(next, c.write))
	}
	return err
}

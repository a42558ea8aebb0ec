package dataverse

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// metadata is what the client holds of the environment's metadata. Every so often it asks what has changed, and forgets
// that alone.
type metadata struct {
	tables *cache[*directory] // one entry
	table  *cache[*heldTable] // by logical name
	ttl    time.Duration      // how long the environment is not asked for changes
	now    func() time.Time
	disk   disk
	check  flights[struct{}]

	saving sync.Mutex // held while the disk is written; taken before mu
	mu     sync.Mutex
	// owner is whose metadata it is: labels come in the user's language.
	owner owner
	// stamp is the service's mark of a moment; everything held was fetched after it. "" where the service gives none.
	stamp   string
	checked time.Time // when it was last asked for changes
	changed time.Time // when the schema was last seen or made to change
	writes  int       // how often this client has changed the schema
	unsaved bool      // something was fetched that the disk does not have, and it will be written soon
}

const (
	// maxMetadataAge bounds how long anything is held, whatever the service says of changes.
	maxMetadataAge = 7 * 24 * time.Hour
	// youngMetadata is the age up to which metadata is believed when it lacks a name.
	youngMetadata = time.Minute
	// settling is the time in which all servers of an environment have heard of a change.
	settling = time.Minute
	// saveDelay is how long what was fetched waits to be written to disk, together with what is fetched meanwhile.
	saveDelay = time.Second
)

func newMetadata(root, dir string, ttl time.Duration, now func() time.Time, log *slog.Logger) *metadata {
	m := &metadata{
		tables: newCache[*directory](maxMetadataAge, now), table: newCache[*heldTable](maxMetadataAge, now),
		ttl: ttl, now: now, disk: disk{dir: dir, environment: root, log: log},
	}
	if dir != "" {
		m.tables.kept, m.table.kept = m.keep, m.keep
	}
	return m
}

// heldTable is a table that is held, or the text of one that is read when it is first asked for.
type heldTable struct {
	text []byte // as on disk; nil where nothing is kept there
	read func() (tableParts, error)
}

// tableParts is a table with the ids of all that belongs to it, by which the service tells what was deleted.
type tableParts struct {
	Table *Table
	IDs   []string
}

// hold makes the entry for a table that was fetched.
func (m *metadata) hold(parts tableParts) (*heldTable, error) {
	held := &heldTable{read: func() (tableParts, error) { return parts, nil }}
	if m.disk.dir == "" {
		return held, nil
	}
	var err error
	held.text, err = json.Marshal(parts)
	return held, err
}

// current runs f, and once more when it met an unknown name and the metadata turns out to have changed: the table,
// column or choice may have been added since.
func current[T any](ctx context.Context, c *Client, f func() (T, error)) (T, error) {
	before := c.metadata.epochs()
	v, err := f()
	e, ok := errors.AsType[*Error](err)
	if !ok || !e.unknownName {
		return v, err
	}
	if c.refreshMetadata(ctx, youngMetadata) != nil || c.metadata.epochs() == before {
		return v, err
	}
	return f()
}

// refreshMetadata asks what has changed in the environment if that was not asked within the age given.
func (c *Client) refreshMetadata(ctx context.Context, age time.Duration) error {
	m := c.metadata
	if m.asked(age) {
		return nil
	}
	_, err := m.check.share(ctx, "", func(ctx context.Context) (struct{}, error) {
		if m.asked(age) { // by a call that ended between the look and the start
			return struct{}{}, nil
		}
		return struct{}{}, c.checkMetadata(ctx)
	})
	if e, ok := errors.AsType[*Error](err); ok {
		e.Op = "" // the caller was doing something else
	}
	return err
}

// checkMetadata forgets what has changed, and everything where the service cannot tell.
func (c *Client) checkMetadata(ctx context.Context) (err error) {
	m := c.metadata
	at, writes := m.now(), m.written()
	stamp, now := m.since(), ""
	if stamp == "" || m.disk.dir != "" {
		if stamp, now, err = c.beginMetadata(ctx); err != nil {
			return err
		}
	}
	if stamp != "" {
		found, err := c.metadataChanges(ctx, stamp)
		if err == nil {
			m.apply(found)
			m.ask(at, writes)
			return nil
		}
		if !cannotTell(err) {
			return err
		}
		c.log.InfoContext(ctx, "metadata is fetched anew", "error", err.Error())
		if now == "" {
			if _, now, err = c.beginMetadata(ctx); err != nil {
				return err
			}
		}
	}
	m.restart(now)
	m.ask(at, writes)
	return nil
}

// beginMetadata makes sure of whose metadata it is. It returns the stamp of what is held, and that of now.
func (c *Client) beginMetadata(ctx context.Context) (held, now string, err error) {
	who, now, err := c.owner(ctx)
	if err != nil {
		return "", "", err
	}
	c.metadata.belong(who)
	return c.metadata.since(), now, nil
}

// asked says whether changes were asked for within the age given.
func (m *metadata) asked(age time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.checked.IsZero() && m.now().Sub(m.checked) < age
}

// ask notes that changes were asked for, unless the client has made some meanwhile.
func (m *metadata) ask(at time.Time, writes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.writes == writes {
		m.checked = at
	}
}

func (m *metadata) written() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writes
}

func (m *metadata) since() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stamp
}

// unsettled says whether the schema has changed so lately that a server may not know of it.
func (m *metadata) unsettled() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.changed.IsZero() && m.now().Sub(m.changed) < settling
}

func (m *metadata) epochs() int { return m.tables.epochs() + m.table.epochs() }

// belong makes the metadata that of who: what is held of anybody else goes, and what the disk has comes in.
func (m *metadata) belong(who owner) {
	if m.belongs(who) {
		return
	}
	m.flush()
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := m.disk.load(who, m.now())
	m.tables.replace(kept.tables)
	m.table.replace(kept.table)
	m.owner, m.stamp = who, kept.stamp
}

func (m *metadata) belongs(who owner) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return who == m.owner
}

// restart forgets everything. What is fetched from now on is newer than stamp.
func (m *metadata) restart(stamp string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tables.replace(map[string]entry[*directory]{})
	m.table.replace(map[string]entry[*heldTable]{})
	m.stamp = stamp
}

// apply forgets what has changed.
func (m *metadata) apply(found *metadataChanges) {
	m.mu.Lock()
	defer m.mu.Unlock()
	deleted := found.deletedIDs()
	if found.DeletedMetadata.Count > 0 && len(deleted) == 0 {
		found.unclear = true
	}
	if len(found.EntityMetadata) > 0 || found.DeletedMetadata.Count > 0 {
		m.changed = m.now()
		m.table.forget(func(name string, held *heldTable) bool { return found.unclear || found.concerns(name, held, deleted) })
		m.tables.forget(func(_ string, d *directory) bool { return found.unclear || found.concernsList(d, deleted) })
	}
	m.stamp = found.ServerVersionStamp
}

// keep has what is held written to disk soon: whoever fetched a table need not wait for a file of all of them.
func (m *metadata) keep() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.unsaved {
		m.unsaved = true
		time.AfterFunc(saveDelay, m.flush)
	}
}

// flush writes what is held to disk, if there is something new.
func (m *metadata) flush() {
	m.saving.Lock()
	defer m.saving.Unlock()
	m.mu.Lock()
	who, unsaved := m.owner, m.unsaved
	k := kept{stamp: m.stamp, tables: m.tables.held(), table: m.table.held()}
	m.unsaved = false
	m.mu.Unlock()
	if unsaved && k.stamp != "" { // else nothing would tell how old it has become
		m.disk.save(who, k)
	}
}

// schemaWrites are the first segments of the paths by which the schema is changed.
var schemaWrites = []string{
	"EntityDefinitions", "RelationshipDefinitions", "GlobalOptionSetDefinitions", "CreateCustomerRelationships",
	"CreatePolymorphicLookupAttribute", "InsertOptionValue", "UpdateOptionValue", "DeleteOptionValue", "OrderOption",
	"InsertStatusValue", "UpdateStateValue", "PublishXml", "PublishAllXml", "ImportSolution", "ImportSolutionAsync",
}

// changesSchema says whether r may change the schema.
func (r request) changesSchema() bool {
	if r.method == http.MethodGet {
		return false
	}
	first, _, _ := strings.Cut(r.path, "/")
	first, _, _ = strings.Cut(first, "(")
	return slices.Contains(schemaWrites, first)
}

// noteWrite has the next reader of metadata ask what this client has changed.
func (m *metadata) noteWrite() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	m.changed, m.checked = m.now(), time.Time{}
}

// doubt has the next reader ask what has changed, unless that was asked lately: the service refused a name that the
// metadata has.
func (m *metadata) doubt() {
	if m.asked(youngMetadata) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.checked = time.Time{}
}

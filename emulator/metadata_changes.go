package emulator

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// retrieveMetadataChanges answers with the definitions that a query selects: all of them, or those that have changed
// since an earlier answer, whose version stamp the client gives.
var retrieveMetadataChanges = message{
	name: "RetrieveMetadataChanges",
	parameters: []parameter{
		{name: "Query", kind: "EntityQueryExpression"},
		{name: "DeletedMetadataFilters", kind: "DeletedMetadataFilters", optional: true},
		{name: "ClientVersionStamp", kind: "Edm.String", optional: true},
		{name: "AppModuleId", kind: "Edm.Guid", optional: true},
		{name: "RetrieveAllSettings", kind: "Edm.Boolean", optional: true},
	},
	result: "RetrieveMetadataChangesResponse",
	answer: func(c *call, args arguments) error {
		query, err := readEntityQuery(args.given["Query"])
		if err != nil {
			return err
		}
		since, err := c.sinceStamp(args.given["ClientVersionStamp"])
		if err != nil {
			return err
		}
		kinds, err := deletedKinds(args.given["DeletedMetadataFilters"])
		if err != nil {
			return err
		}
		o := c.respond("RetrieveMetadataChangesResponse")
		o.text("ServerVersionStamp", stamp{schemaVersion(c.schema), c.at}.String())
		o.raw("DeletedMetadata", deletedMetadata(c.schema, since, kinds))
		found := changedDefinitions{metadata: newMetadata(c.schema, query.languages(), since), query: query}
		o.raw("EntityMetadata", found.tables())
		return c.answer(http.StatusOK, o.bytes())
	},
}

// stampLife is how long deletions are remembered: ExpireSubscriptionsInDays of an organization, unless it is changed.
const stampLife = 90 * 24 * time.Hour

// schemaVersion is the version of the last change of the schema, which every stamp begins with.
func schemaVersion(s *schema.Schema) int64 { return max(s.Version, store.FirstVersion) }

// sinceStamp is the version in the client's stamp, nil where it has none. A stamp that is too old, or that this
// environment has not given out, cannot tell what has been deleted.
func (c *call) sinceStamp(e odata.Expr) (*int64, error) {
	literal, ok := e.(*odata.Literal)
	switch {
	case e == nil, ok && literal.Kind == odata.Null, ok && literal.Kind == odata.String && literal.Value == "":
		return nil, nil
	case !ok || literal.Kind != odata.String:
		return nil, badRequest("The argument 'ClientVersionStamp' is not a string: %s", e)
	}
	since, err := parseStamp(literal.Value)
	if err != nil {
		return nil, err
	}
	if since.version > schemaVersion(c.schema) || c.at.Sub(since.at) > stampLife {
		return nil, expiredStamp()
	}
	return &since.version, nil
}

// deletedFilters are the kinds of definitions whose deletions the answer may tell of, in its order.
var deletedFilters = []schema.Kind{schema.TableKind, schema.ColumnKind, schema.RelationshipKind, "Label", schema.ChoiceKind}

// deletedKinds reads DeletedMetadataFilters: names, or a number with a bit for each kind.
func deletedKinds(e odata.Expr) ([]schema.Kind, error) {
	literal, ok := e.(*odata.Literal)
	switch {
	case e == nil, ok && literal.Kind == odata.Null:
		return nil, nil
	case !ok || literal.Kind != odata.Enum && literal.Kind != odata.Number && literal.Kind != odata.String:
		return nil, badRequest("The argument 'DeletedMetadataFilters' is not a member of %sDeletedMetadataFilters: %s", namespace, e)
	}
	if bits, err := strconv.Atoi(literal.Value); err == nil {
		return slices.DeleteFunc(slices.Clone(deletedFilters), func(k schema.Kind) bool {
			return bits&(1<<slices.Index(deletedFilters, k)) == 0
		}), nil
	}
	var kinds []schema.Kind
	for name := range strings.SplitSeq(literal.Value, ",") {
		switch kind := schema.Kind(strings.TrimSpace(name)); {
		case kind == "All":
			return deletedFilters, nil
		case kind == "Default":
			kinds = append(kinds, schema.TableKind)
		case slices.Contains(deletedFilters, kind):
			kinds = append(kinds, kind)
		default:
			return nil, badRequest("The argument 'DeletedMetadataFilters' is not a member of %sDeletedMetadataFilters: %s", namespace, e)
		}
	}
	return kinds, nil
}

// deletedMetadata is the DeletedMetadataCollection: the ids of what was deleted, by kind.
func deletedMetadata(s *schema.Schema, since *int64, kinds []schema.Kind) []byte {
	type guids struct{ Items []string }
	keys, values := []schema.Kind{}, []guids{}
	for _, kind := range deletedFilters {
		var ids []string
		for _, d := range s.Deleted {
			if since != nil && d.Version > *since && d.Kind == kind && slices.Contains(kinds, kind) {
				ids = append(ids, d.ID.String())
			}
		}
		if ids != nil {
			keys, values = append(keys, kind), append(values, guids{ids})
		}
	}
	var o object
	o.any("Count", len(keys))
	o.any("IsReadOnly", false)
	o.any("Keys", keys)
	o.any("Values", values)
	return o.bytes()
}

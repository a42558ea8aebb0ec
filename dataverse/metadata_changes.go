package dataverse

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// metadataChanges is the answer of RetrieveMetadataChanges: the tables in which something has changed since a stamp.
type metadataChanges struct {
	ServerVersionStamp string
	DeletedMetadata    deletedWire
	EntityMetadata     []struct {
		LogicalName string
		HasChanged  *bool // the table itself has
		DisplayName labelWire
	}
	unclear bool // something was deleted, and it is not understood what
}

// deletedWire holds the ids of what was deleted, by kind. An id is told apart from all others by itself.
type deletedWire struct {
	Count  int
	Values json.RawMessage
}

const (
	// changesQuery asks for as little as possible of everything that may change in a table.
	changesQuery = `{"Properties":{"AllProperties":false,"PropertyNames":["LogicalName","DisplayName","Attributes","Keys",` +
		`"OneToManyRelationships","ManyToOneRelationships","ManyToManyRelationships"]},` +
		`"AttributeQuery":{"Properties":{"AllProperties":false,"PropertyNames":["LogicalName","DisplayName","OptionSet"]}},` +
		`"RelationshipQuery":{"Properties":{"AllProperties":false,"PropertyNames":["SchemaName"]}},` +
		`"KeyQuery":{"Properties":{"AllProperties":false,"PropertyNames":["SchemaName"]}}}`
	// stampQuery asks for one label, which shows the user's language.
	stampQuery = `{"Properties":{"AllProperties":false,"PropertyNames":["LogicalName","DisplayName"]},"Criteria":{"FilterOperator":"And","Conditions":[` +
		`{"PropertyName":"LogicalName","ConditionOperator":"Equals","Value":{"Type":"System.String","Value":"systemuser"}}]}}`
)

// metadataChanges asks what has changed since stamp. Without a stamp it asks for the stamp of now.
func (c *Client) metadataChanges(ctx context.Context, stamp string) (*metadataChanges, error) {
	r := request{
		op: "check metadata", method: http.MethodGet, path: "RetrieveMetadataChanges(Query=@p1)",
		query: []param{{"@p1", stampQuery}},
	}
	if stamp != "" {
		r.path = "RetrieveMetadataChanges(Query=@p1,DeletedMetadataFilters=@p2,ClientVersionStamp=@p3)"
		r.query = []param{
			{"@p1", changesQuery}, {"@p2", "Microsoft.Dynamics.CRM.DeletedMetadataFilters'All'"},
			{"@p3", "'" + strings.ReplaceAll(stamp, "'", "''") + "'"},
		}
	}
	if c.metadata.unsettled() {
		r.header = []param{{"Consistency", "Strong"}}
	}
	var found metadataChanges
	if err := c.read(ctx, r, &found); err != nil {
		return nil, err
	}
	if found.ServerVersionStamp == "" {
		return nil, &Error{Op: r.op, Kind: Internal, Status: http.StatusOK, Message: "the answer has no version stamp"}
	}
	return &found, nil
}

// cannotTell says whether err means that the service does not tell what has changed: the stamp is too old, the message
// is not there or not for this user, or it takes too long. Asking for everything may do better then.
func cannotTell(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Status == http.StatusUnauthorized {
		return false
	}
	return e.Status != 0 && slices.Contains([]Kind{Denied, NotFound, Invalid, Internal}, e.Kind) ||
		errors.Is(err, context.DeadlineExceeded)
}

var guidsPattern = regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

func (f *metadataChanges) deletedIDs() []string {
	return guidsPattern.FindAllString(strings.ToLower(string(f.DeletedMetadata.Values)), -1)
}

// concerns says whether a table that is held has changed.
func (f *metadataChanges) concerns(name string, held *heldTable, deleted []string) bool {
	for i := range f.EntityMetadata {
		if f.EntityMetadata[i].LogicalName == name {
			return true
		}
	}
	if len(deleted) == 0 {
		return false
	}
	parts, err := held.read()
	return err != nil || slices.ContainsFunc(parts.IDs, func(id string) bool { return slices.Contains(deleted, strings.ToLower(id)) })
}

// concernsList says whether the list of tables has changed.
func (f *metadataChanges) concernsList(d *directory, deleted []string) bool {
	for _, t := range f.EntityMetadata {
		_, known := slices.BinarySearchFunc(d.tables, t.LogicalName, func(info TableInfo, name string) int {
			return strings.Compare(info.LogicalName, name)
		})
		if !known || t.HasChanged != nil && *t.HasChanged {
			return true
		}
	}
	return slices.ContainsFunc(deleted, func(id string) bool { return d.ids[id] != "" })
}

// owner is the user whose metadata it is, and the language of the labels in it.
type owner struct {
	User         string `json:"user"`
	Organization string `json:"organization"`
	Language     int    `json:"language"`
}

// owner asks who the metadata would belong to, and for a stamp: "" where the service gives none. Only what is kept on
// disk needs the user.
func (c *Client) owner(ctx context.Context) (who owner, stamp string, err error) {
	group, ctx := errgroup.WithContext(ctx)
	if c.metadata.disk.dir != "" {
		group.Go(func() error {
			var ids struct {
				UserID         string `json:"UserId"`
				OrganizationID string `json:"OrganizationId"`
			}
			err := c.getJSON(ctx, "check metadata", "WhoAmI", nil, &ids)
			who.User, who.Organization = ids.UserID, ids.OrganizationID
			return err
		})
	}
	group.Go(func() error {
		now, err := c.metadataChanges(ctx, "")
		if err != nil {
			if cannotTell(err) {
				c.log.InfoContext(ctx, "metadata changes are not told", "error", err.Error())
				return nil
			}
			return err
		}
		stamp = now.ServerVersionStamp
		if len(now.EntityMetadata) > 0 {
			who.Language = now.EntityMetadata[0].DisplayName.language()
		}
		return nil
	})
	err = group.Wait()
	return who, stamp, err
}

package dataverse

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Identity is who the environment takes the caller for. Names are "" where the caller may not read them.
type Identity struct {
	UserID         string
	User           string // full name
	UserName       string // what the user signs in with, or the id of an application
	BusinessUnitID string
	BusinessUnit   string
	OrganizationID string
	Organization   string
}

// WhoAmI tells who the caller is.
func (c *Client) WhoAmI(ctx context.Context) (Identity, error) {
	const op = "get current user"
	var ids struct {
		UserID         string `json:"UserId"`
		BusinessUnitID string `json:"BusinessUnitId"`
		OrganizationID string `json:"OrganizationId"`
	}
	if err := c.getJSON(ctx, op, "WhoAmI", nil, &ids); err != nil {
		return Identity{}, err
	}
	me := Identity{UserID: ids.UserID, BusinessUnitID: ids.BusinessUnitID, OrganizationID: ids.OrganizationID}
	var user struct{ FullName, DomainName, ApplicationID string }
	var unit, organization struct{ Name string }
	group, ctx := errgroup.WithContext(ctx)
	for _, ask := range []struct {
		path, columns string
		into          any
	}{
		{"systemusers(" + me.UserID + ")", "fullname,domainname,applicationid", &user},
		{"businessunits(" + me.BusinessUnitID + ")", "name", &unit},
		{"organizations(" + me.OrganizationID + ")", "name", &organization},
	} {
		group.Go(func() error {
			err := c.getJSON(ctx, op, ask.path, []param{{"$select", ask.columns}}, ask.into)
			if kind := KindOf(err); kind == Denied || kind == NotFound { // a name is no reason to fail
				return nil
			}
			return err
		})
	}
	err := group.Wait()
	me.User, me.UserName = user.FullName, user.DomainName
	if me.UserName == "" {
		me.UserName = user.ApplicationID
	}
	me.BusinessUnit, me.Organization = unit.Name, organization.Name
	return me, err
}

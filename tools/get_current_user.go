package tools

import (
	"context"
	"time"
)

var getCurrentUserTool = define(Spec{
	Name:   "get_current_user",
	Title:  "Who am I",
	Doc:    "Tell which user, business unit and organization the calls are made as, and the time.",
	Effect: Reads,
}, getCurrentUser)

func getCurrentUser(ctx context.Context, d Deps, _ getCurrentUserIn) (getCurrentUserOut, error) {
	me, err := d.Dataverse.WhoAmI(ctx)
	if err != nil {
		return getCurrentUserOut{}, err
	}
	return getCurrentUserOut{
		User:         named{reference("systemuser", me.UserID), me.User},
		BusinessUnit: named{reference("businessunit", me.BusinessUnitID), me.BusinessUnit},
		Organization: named{reference("organization", me.OrganizationID), me.Organization},
		Now:          d.Now().UTC().Format(time.RFC3339),
	}, nil
}

type getCurrentUserIn struct{}

type getCurrentUserOut struct {
	User         named  `json:"user"`
	BusinessUnit named  `json:"business_unit"`
	Organization named  `json:"organization"`
	Now          string `json:"now" jsonschema_description:"UTC."`
}

// named is a record by the reference that a lookup takes, and its name.
type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

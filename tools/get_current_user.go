package tools

import "context"

var getCurrentUserTool = define(Spec{
	Name:   "get_current_user",
	Title:  "Who am I",
	Doc:    "Tell which user, business unit and organization the calls are made as.",
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
	}, nil
}

type getCurrentUserIn struct{}

type getCurrentUserOut struct {
	User         named `json:"user"`
	BusinessUnit named `json:"business_unit"`
	Organization named `json:"organization"`
}

// named is a record by the reference that a lookup takes, and its name.
type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

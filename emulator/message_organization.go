package emulator

import (
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

// version is the platform version that the emulator reports.
const version = "9.2.24061.00170"

var retrieveVersion = message{
	name:   "RetrieveVersion",
	result: "RetrieveVersionResponse",
	answer: func(c *call, _ arguments) error {
		o := c.respond("RetrieveVersionResponse")
		o.text("Version", version)
		return c.answer(http.StatusOK, o.bytes())
	},
}

var retrieveCurrentOrganization = message{
	name:       "RetrieveCurrentOrganization",
	parameters: []parameter{{name: "AccessType", kind: "EndpointAccessType"}},
	result:     "RetrieveCurrentOrganizationResponse",
	answer: func(c *call, _ arguments) error {
		o := c.respond("RetrieveCurrentOrganizationResponse")
		o.raw("Detail", c.organization())
		return c.answer(http.StatusOK, o.bytes())
	},
}

// organization is the OrganizationDetail of this environment.
func (c *call) organization() []byte {
	origin := c.origin()
	var endpoints object
	endpoints.any("Count", 3)
	endpoints.any("IsReadOnly", false)
	endpoints.any("Keys", []string{"WebApplication", "OrganizationService", "OrganizationDataService"})
	endpoints.any("Values", []string{origin + "/", origin + "/XRMServices/2011/Organization.svc",
		origin + "/XRMServices/2011/OrganizationData.svc"})
	var o object
	o.text("OrganizationId", seed.OrganizationID)
	o.text("FriendlyName", seed.OrganizationName)
	o.text("OrganizationVersion", version)
	o.text("EnvironmentId", seed.EnvironmentID)
	o.text("DatacenterId", "00000000-0000-0000-0000-000000000000")
	o.text("Geo", "EMEA")
	o.text("TenantId", seed.TenantID)
	o.text("UrlName", seed.OrganizationName)
	o.text("UniqueName", seed.OrganizationName)
	o.text("State", "Enabled")
	o.text("SchemaType", "Full")
	o.text("OrganizationType", "Customer")
	o.raw("Endpoints", endpoints.bytes())
	return o.bytes()
}

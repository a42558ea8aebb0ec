package emulator

import (
	"net/http"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

var whoAmI = message{
	name:   "WhoAmI",
	result: "WhoAmIResponse",
	answer: func(c *call, _ arguments) error {
		o := c.respond("WhoAmIResponse")
		o.text("BusinessUnitId", c.caller.businessUnit)
		o.text("UserId", c.caller.user)
		o.text("OrganizationId", seed.OrganizationID)
		return c.answer(http.StatusOK, o.bytes())
	},
}

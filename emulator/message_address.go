package emulator

import (
	"net/http"
	"strings"
)

var formatAddress = message{
	name: "FormatAddress",
	parameters: []parameter{
		{name: "Line1", kind: "Edm.String", optional: true},
		{name: "City", kind: "Edm.String", optional: true},
		{name: "StateOrProvince", kind: "Edm.String", optional: true},
		{name: "PostalCode", kind: "Edm.String", optional: true},
		{name: "Country", kind: "Edm.String", optional: true},
	},
	result: "FormatAddressResponse",
	answer: func(c *call, args arguments) error {
		country := args.text("Country")
		lines := []string{args.text("Line1"), linked(", ", args.text("City"), linked(" ", args.text("StateOrProvince"), args.text("PostalCode"))), country}
		switch strings.ToUpper(country) {
		case "JAPAN", "JP", "JPN": // from the large to the small
			lines = []string{args.text("PostalCode"), args.text("StateOrProvince"), args.text("City"), args.text("Line1"), country}
		}
		o := c.respond("FormatAddressResponse")
		o.text("Address", linked("\r\n", lines...))
		return c.answer(http.StatusOK, o.bytes())
	},
}

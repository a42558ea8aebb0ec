package emulator

import "net/http"

var (
	retrieveAvailableLanguages   = languagesMessage("RetrieveAvailableLanguages", "LocaleIds")
	retrieveProvisionedLanguages = languagesMessage("RetrieveProvisionedLanguages", "RetrieveProvisionedLanguages")
)

// languagesMessage asks for languages. There is one.
func languagesMessage(name, property string) message {
	return message{name: name, result: name + "Response", answer: func(c *call, _ arguments) error {
		o := c.respond(name + "Response")
		o.any(property, []int{english})
		return c.answer(http.StatusOK, o.bytes())
	}}
}

// retrieveTimestamp tells how new the metadata is.
var retrieveTimestamp = message{
	name:   "RetrieveTimestamp",
	result: "RetrieveTimestampResponse",
	answer: func(c *call, _ arguments) error {
		o := c.respond("RetrieveTimestampResponse")
		o.text("Timestamp", stamp{schemaVersion(c.schema), c.at}.String())
		return c.answer(http.StatusOK, o.bytes())
	},
}

package emulator

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
)

// publishAllXML publishes all customizations. Here they are in force at once.
var publishAllXML = message{
	name:   "PublishAllXml",
	action: true,
	answer: func(c *call, _ arguments) error { return c.empty() },
}

// publishXML publishes the customizations that its XML names.
var publishXML = message{
	name:       "PublishXml",
	action:     true,
	parameters: []parameter{{"ParameterXml", "Edm.String", false}},
	answer: func(c *call, args arguments) error {
		if err := c.checkPublishing(args.text("ParameterXml")); err != nil {
			return err
		}
		return c.empty()
	},
}

// checkPublishing refuses XML that cannot be read or that names tables which do not exist.
func (c *call) checkPublishing(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	inside := ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fail(http.StatusBadRequest, codeInvalidXML, "Invalid XML: %s", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			inside = t.Name.Local
		case xml.EndElement:
			inside = ""
		case xml.CharData:
			if name := strings.TrimSpace(string(t)); inside == "entity" && name != "" && c.schema.Table(name) == nil {
				return noSuchTable(name)
			}
		}
	}
}

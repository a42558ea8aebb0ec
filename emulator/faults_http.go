package emulator

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// faultsPath is where rules for faults are made. No Dataverse has it.
const faultsPath = "/emulator/faults"

// faultRules answers for the rules: GET lists them, POST adds one or a list, DELETE ends all.
func (c *call) faultRules() error {
	if err := c.authenticate(); err != nil {
		return err
	}
	switch c.r.Method {
	case http.MethodGet:
		return c.answer(http.StatusOK, c.faults.list())
	case http.MethodPost:
		return c.addFaults()
	case http.MethodDelete:
		c.faults.clear()
		return c.empty()
	}
	return c.methodNotAllowed()
}

func (c *call) addFaults() error {
	var given []Fault
	var body json.RawMessage
	if err := json.NewDecoder(c.r.Body).Decode(&body); err != nil {
		return badRequest("the body is not JSON: %v", err)
	}
	if body[0] != '[' {
		body = append(append([]byte{'['}, body...), ']')
	}
	rules := json.NewDecoder(bytes.NewReader(body))
	rules.DisallowUnknownFields() // a rule misspelt would be one that does nothing
	if err := rules.Decode(&given); err != nil {
		return badRequest("the body is not a fault or a list of them: %v", err)
	}
	for _, fault := range given {
		if err := c.faults.add(fault); err != nil {
			return err
		}
	}
	return c.empty()
}

// list shows the rules, with how often each has happened.
func (f *faults) list() []byte {
	type shown struct {
		Fault
		Happened int `json:"happened"`
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	rules := make([]shown, len(f.rules))
	for i, rule := range f.rules {
		rules[i] = shown{rule.Fault, rule.done}
	}
	var o object
	o.any("faults", rules)
	return o.bytes()
}

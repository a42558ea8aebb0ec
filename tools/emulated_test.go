package tools

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/oauth2"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// connect binds the catalogue, which asks nobody, to an emulator that runs until the test ends.
func connect(t *testing.T, options ...emulator.Option) *Set {
	t.Helper()
	return connectWith(t, Options{Unconfirmed: true}, options...)
}

func connectWith(t *testing.T, o Options, options ...emulator.Option) *Set {
	t.Helper()
	o.Connections = []Connection{{Name: "test", Deps: environment(t, options...)}}
	return newSet(t, o)
}

// environment starts an emulator and connects to it.
func environment(t *testing.T, options ...emulator.Option) Deps {
	t.Helper()
	srv := emulator.Start(t, options...)
	client, err := dataverse.New(dataverse.Options{URL: srv.URL, Transport: &oauth2.Transport{
		Source: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: srv.Token}),
		Base:   emulator.Transport(srv.Emulator),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return Deps{Dataverse: client}
}

// call runs a tool and returns its answer, which has to meet the schema that
// the model was shown.
func call[Out any](t *testing.T, set *Set, tool Tool, args string) Out {
	t.Helper()
	result, err := set.Call(t.Context(), tool.Name, json.RawMessage(args))
	if err != nil {
		t.Fatal(err)
	}
	if result.IsError {
		t.Fatalf("%s %s: %s", tool.Name, args, result.Text)
	}
	for _, offer := range set.Offers() {
		if offer.Name == tool.Name {
			meets(t, offer.Output, result.Text)
		}
	}
	var out Out
	if err := json.Unmarshal([]byte(result.Text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// failure runs a tool that has to fail and returns what it says.
func failure(t *testing.T, set *Set, tool Tool, args string) string {
	t.Helper()
	result, err := set.Call(t.Context(), tool.Name, json.RawMessage(args))
	if err != nil {
		t.Fatal(err)
	}
	if !result.IsError {
		t.Fatalf("%s %s: got %s, want an error", tool.Name, args, result.Text)
	}
	return result.Text
}

func meets(t *testing.T, schema json.RawMessage, text string) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("output.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("output.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(value); err != nil {
		t.Errorf("answer does not meet the output schema: %v\n%s", err, text)
	}
}

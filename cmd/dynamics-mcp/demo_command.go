package main

import (
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

//go:embed demo.txt.tmpl
var demoTemplate string

func (p *program) demoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Try it out: serve sample data over HTTP and say how to use it",
		Long: `Serve MCP over HTTP against an emulated environment with sample data, and print
what to paste where. Everything is in memory and ends with the program.

--listen is the address of MCP alone. The emulator itself is served too, for any
other Dataverse client: on port 8809, or where that is taken on any free port, as
the printed lines tell. To choose its address run dynamics-mcp emulator --listen.`,
		Example: `  dynamics-mcp demo
  dynamics-mcp demo --listen 127.0.0.1:9000`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := p.load(cmd)
			if err != nil {
				return err
			}
			return p.serveDemo(cmd.Context(), c, log, p.printNextSteps)
		},
	}
	addFlags(cmd.Flags(), listening, serving)
	return cmd
}

func (p *program) printNextSteps(at addresses) error {
	page, err := template.New("demo").Funcs(template.FuncMap{"json": func(s string) (string, error) {
		b, err := json.Marshal(s)
		return string(b), err
	}}).Parse(demoTemplate)
	if err != nil {
		return err
	}
	program, installed := programPath()
	return page.Execute(p.out, struct {
		addresses
		Program, Token string
		Installed      bool
	}{at, program, emulator.DefaultToken, installed})
}

// programPath is how a client can start this program again. What go run built is gone when it ends.
func programPath() (path string, installed bool) {
	path, err := os.Executable()
	if err != nil || strings.Contains(path, string(filepath.Separator)+"go-build") {
		return "dynamics-mcp", false
	}
	return path, true
}

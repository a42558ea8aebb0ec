package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dynamics-mcp/dynamics-mcp/server"
	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

func (p *program) toolsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "tools",
		Short: "List the tools",
		Long:  `List the tools that a client is offered under this configuration. No environment is asked.`,
		Example: `  dynamics-mcp tools
  dynamics-mcp tools --read-only --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := p.load(cmd)
			if err != nil {
				return err
			}
			s, err := server.New(c.serverOptions(log))
			if err != nil {
				return err
			}
			if asJSON {
				return p.printToolsJSON(s.Tools())
			}
			return p.printTools(s.Tools())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print name, texts and schemas as JSON")
	addFlags(cmd.Flags(), serving)
	return cmd
}

func (p *program) printTools(offers []tools.Offer) error {
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	for _, o := range offers {
		if _, err := fmt.Fprintf(table, "%s\t%s\t%s\n", o.Name, o.Effect, o.Title); err != nil {
			return err
		}
	}
	return table.Flush()
}

func (p *program) printToolsJSON(offers []tools.Offer) error {
	type tool struct {
		Name         string          `json:"name"`
		Title        string          `json:"title"`
		Description  string          `json:"description"`
		Effect       string          `json:"effect"`
		InputSchema  json.RawMessage `json:"inputSchema"`
		OutputSchema json.RawMessage `json:"outputSchema"`
	}
	list := make([]tool, 0, len(offers))
	for _, o := range offers {
		list = append(list, tool{o.Name, o.Title, o.Doc, o.Effect.String(), o.Input, o.Output})
	}
	out := json.NewEncoder(p.out)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(list)
}

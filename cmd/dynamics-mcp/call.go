package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dynamics-mcp/dynamics-mcp/server"
)

func (p *program) callCommand() *cobra.Command {
	var demo bool
	cmd := &cobra.Command{
		Use:   "call TOOL [JSON]",
		Short: "Use one tool and print its result",
		Long: `Use one tool and print its result as JSON. The arguments are one JSON object,
or - to read it from standard input. When the tool fails, its message goes to
standard error and the exit code is 1.`,
		Example: `  dynamics-mcp call --demo list_tables
  dynamics-mcp call --demo query_records '{"table": "account", "top": 3}'
  dynamics-mcp call create_record - < contact.json`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: completeTool,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, log, err := p.load(cmd)
			if err != nil {
				return err
			}
			input, err := p.arguments(args[1:])
			if err != nil {
				return err
			}
			if c.logLevel == slog.LevelInfo {
				log = newLog(p.err, slog.LevelError) // the result or its failure is what was asked for
			}
			s, stop, err := p.open(cmd, c, log, demo)
			if err != nil {
				return err
			}
			defer stop()
			return p.call(cmd, s, args[0], input)
		},
	}
	cmd.Flags().BoolVar(&demo, "demo", false, demoFlag)
	addFlags(cmd.Flags(), environment, serving)
	return cmd
}

// completeTool offers the names of the tools to the shell.
func completeTool(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	s, err := server.New(server.Options{})
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, offer := range s.Tools() {
		names = append(names, offer.Name+"\t"+offer.Title)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// arguments returns the JSON object that the rest of the command line gives.
func (p *program) arguments(rest []string) (json.RawMessage, error) {
	text := []byte("{}")
	if len(rest) > 0 {
		text = []byte(rest[0])
	}
	if len(rest) > 0 && rest[0] == "-" {
		var err error
		if text, err = io.ReadAll(p.in); err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
	}
	if text = bytes.TrimSpace(text); !json.Valid(text) || text[0] != '{' {
		return nil, &usageError{"arguments: want one JSON object, such as '{\"table\": \"account\"}'"}
	}
	return text, nil
}

func (p *program) call(cmd *cobra.Command, s *server.Server, tool string, input json.RawMessage) error {
	var names []string
	for _, offer := range s.Tools() {
		names = append(names, offer.Name)
	}
	result, err := s.Call(cmd.Context(), tool, input)
	if err != nil {
		return &usageError{fmt.Sprintf("%v%s", err, didYouMean(tool, names))}
	}
	if result.IsError {
		_, _ = fmt.Fprintln(p.err, strings.TrimSpace(result.Text))
		return errReported
	}
	var out bytes.Buffer
	if !isTerminal(p.out) || json.Indent(&out, []byte(result.Text), "", "  ") != nil {
		out.Reset()
		out.WriteString(result.Text)
	}
	_, err = fmt.Fprintln(p.out, out.String())
	return err
}

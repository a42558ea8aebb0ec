package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/dynamics-mcp/dynamics-mcp/server"
)

func (p *program) callCommand() *cobra.Command {
	var demo, yes bool
	cmd := &cobra.Command{
		Use:   "call TOOL [JSON]",
		Short: "Use one tool and print its result",
		Long: `Use one tool and print its result as JSON. The arguments are one JSON object,
or - to read it from standard input. When the tool fails, its message goes to
standard error and the exit code is 1. Nothing else is logged unless --log-level
or --audit says so; --audit-file keeps audit lines.

Before something is destroyed you are asked on the terminal. A script, which has
none, says --yes.`,
		Example: `  dynamics-mcp call --demo list_tables
  dynamics-mcp call --demo query_records '{"table": "account", "top": 3}'
  dynamics-mcp call create_record - < contact.json
  dynamics-mcp call delete_record '{"table": "account", "id": "..."}' --yes`,
		Args:              toolAndArguments,
		ValidArgsFunction: completeTool,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, log, err := p.load(cmd)
			if err != nil {
				return err
			}
			c.unconfirmed = c.unconfirmed || yes
			input, err := p.arguments(args[1:])
			if err != nil {
				return err
			}
			watching, log := p.quiet(c, log)
			w, err := p.watch(cmd.Context(), c, watching)
			if err != nil {
				return err
			}
			s, stop, err := p.open(cmd, c, log, w, demo)
			if err != nil {
				return err
			}
			defer stop()
			return p.call(cmd, s, args[0], input)
		},
	}
	cmd.Flags().BoolVar(&demo, "demo", false, demoFlag)
	cmd.Flags().BoolVar(&yes, "yes", false, "Do not ask before something is destroyed, as with --confirm=never")
	addFlags(cmd.Flags(), environment, serving)
	return cmd
}

// quiet returns the log of what watches the call, and that of all else. Who says nothing about logs asked for the result
// or its failure alone; who says --audit wants the audit line.
func (p *program) quiet(c *config, log *slog.Logger) (watching, rest *slog.Logger) {
	if slices.Contains(c.given, "log_level") {
		return log, log
	}
	rest = newLog(p.err, slog.LevelError)
	if slices.Contains(c.given, "audit") {
		return log, rest
	}
	return rest, rest
}

// toolAndArguments wants one or two words.
func toolAndArguments(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		names, err := toolNames()
		if err != nil {
			return err
		}
		return &usageError{"want a tool: " + strings.Join(names, ", ")}
	case 1, 2:
		return nil
	}
	return &usageError{fmt.Sprintf("want a tool and one JSON object, got %q besides: put the object in quotes", args[2])}
}

// toolNames are those of the whole catalogue.
func toolNames() ([]string, error) {
	s, err := server.New(server.Options{})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, offer := range s.Tools() {
		names = append(names, offer.Name)
	}
	return names, nil
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
	const want = "arguments: want one JSON object, such as '{\"table\": \"account\"}'"
	text = bytes.TrimSpace(text)
	var object map[string]json.RawMessage
	err := json.Unmarshal(text, &object)
	if broken, ok := errors.AsType[*json.SyntaxError](err); ok && len(text) > 0 {
		return nil, &usageError{fmt.Sprintf("%s: %v at %s", want, err, position(text, broken.Offset))}
	}
	if err != nil || object == nil {
		return nil, &usageError{want}
	}
	return text, nil
}

// position says where the byte before offset is, counted from 1.
func position(text []byte, offset int64) string {
	before := text[:max(0, offset-1)]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	if line == 1 {
		return fmt.Sprintf("character %d", column)
	}
	return fmt.Sprintf("line %d, character %d", line, column)
}

func (p *program) call(cmd *cobra.Command, s *server.Server, tool string, input json.RawMessage) error {
	var names []string
	for _, offer := range s.Tools() {
		names = append(names, offer.Name)
	}
	var asked terminal
	result, err := s.Call(cmd.Context(), tool, input, asked.ask)
	if err != nil && !slices.Contains(names, tool) {
		return &usageError{err.Error()}
	}
	if err = cmp.Or(err, asked.refused); err != nil { // a script must not go on as if something had been done
		return fmt.Errorf("%s: %w", tool, err)
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

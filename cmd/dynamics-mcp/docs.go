package main

import (
	"bytes"
	_ "embed"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

//go:generate go run . docs ../../docs

//go:embed configuration.md.tmpl
var configurationTemplate string

// docsCommand writes the pages that come from code.
func (p *program) docsCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "docs FOLDER",
		Short:  "Write the generated documentation",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			page, err := configurationPage()
			if err != nil {
				return err
			}
			catalogue, err := tools.Markdown()
			if err != nil {
				return err
			}
			return errors.Join(
				os.WriteFile(filepath.Join(args[0], "configuration.md"), page, 0o644),
				os.WriteFile(filepath.Join(args[0], "tools.md"), []byte(catalogue), 0o644),
			)
		},
	}
}

// configurationPage is docs/configuration.md.
func configurationPage() ([]byte, error) {
	page, err := template.New("configuration").Funcs(template.FuncMap{
		"code": func(s string) string {
			if s == "" {
				return ""
			}
			return "`" + s + "`"
		},
	}).Parse(configurationTemplate)
	if err != nil {
		return nil, err
	}
	type row struct{ Key, Flag, Env, Default, Doc string }
	var data struct{ Connection, Process []row }
	for _, s := range settings() {
		r := row{Key: s.key, Env: s.env(), Default: s.fallback, Doc: s.doc}
		if s.flag != "" {
			r.Flag = strings.TrimSpace("--" + s.flag + " " + s.meta)
		}
		switch {
		case s.scope == environment:
			data.Connection = append(data.Connection, r)
		case s.key == configKey:
			r.Key = ""
			fallthrough
		default:
			data.Process = append(data.Process, r)
		}
	}
	var out bytes.Buffer
	err = page.Execute(&out, data)
	return out.Bytes(), err
}

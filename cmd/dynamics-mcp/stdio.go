package main

import (
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func (p *program) stdioCommand() *cobra.Command {
	var demo bool
	cmd := &cobra.Command{
		Use:   "stdio",
		Short: "Serve one MCP client over standard input and output",
		Long: `Serve one MCP client over standard input and output: what a client that starts
programs itself, such as Claude Desktop, VS Code or Cursor, is told to run.

It starts even when nothing is configured; the tools then say what is missing.
Logs go to standard error.`,
		Example: `  # Sample data, no account
  dynamics-mcp stdio --demo

  # An application's own sign-in
  export DYNAMICS_URL=https://org.crm4.dynamics.com
  export DYNAMICS_CLIENT_ID=... DYNAMICS_CLIENT_SECRET=...
  dynamics-mcp stdio --read-only`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := p.load(cmd)
			if err != nil {
				return err
			}
			w, err := p.watch(cmd.Context(), c, log)
			if err != nil {
				return err
			}
			s, stop, err := p.open(cmd, c, log, w, demo)
			if err != nil {
				return err
			}
			defer stop()
			signal.Ignore(syscall.SIGPIPE) // a client that goes must not end its calls without their audit lines
			return s.ServeStdio(cmd.Context(), p.in, p.out)
		},
	}
	cmd.Flags().BoolVar(&demo, "demo", false, demoFlag)
	addFlags(cmd.Flags(), environment, serving)
	return cmd
}

const demoFlag = "Use an emulated environment with sample data instead of a real one"

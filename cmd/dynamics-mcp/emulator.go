package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

const defaultEmulatorListen = "127.0.0.1:8809"

// emulatorPage says what a client of the emulator has to know.
const emulatorPage = `Dataverse emulator at http://%[1]s

  Token            %[2]s
  or sign in at    http://%[1]s/%[3]s/oauth2/v2.0/token
  as application   %[4]s
  with secret      %[2]s

Use it from another terminal, by token
  DYNAMICS_URL=http://%[1]s DYNAMICS_TOKEN=%[5]s dynamics-mcp call get_current_user

or with the sign-in of an application
  DYNAMICS_URL=http://%[1]s DYNAMICS_AUTHORITY=http://%[1]s \
  DYNAMICS_CLIENT_ID=%[4]s DYNAMICS_CLIENT_SECRET=%[5]s \
  dynamics-mcp call get_current_user

Ctrl-C ends it.
`

func (p *program) emulatorCommand() *cobra.Command {
	var o emulator.Options
	var address string
	cmd := &cobra.Command{
		Use:   "emulator",
		Short: "Serve an emulated Dataverse environment to any client",
		Long: `Serve the Dataverse Web API, and the sign-in that goes with it, from this
machine: for trying out and for the tests of any program that uses Dataverse.
Data lives in memory, or in one SQLite file.`,
		Example: `  dynamics-mcp emulator
  dynamics-mcp emulator --db crm.db --empty

  curl -H 'Authorization: Bearer demo' http://127.0.0.1:8809/api/data/v9.2/WhoAmI
  DYNAMICS_URL=http://127.0.0.1:8809 DYNAMICS_TOKEN=demo dynamics-mcp call list_tables`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			_, log, err := p.load(cmd)
			if err != nil {
				return err
			}
			if err := checkEmulator(o); err != nil {
				return err
			}
			if reachable(address) && !cmd.Flags().Changed("token") {
				return &usageError{fmt.Sprintf("listen address %q can be reached by other machines, and everybody knows the token %q: "+
					"choose one with --token, or listen on %s", address, o.Token, defaultEmulatorListen)}
			}
			l, err := listen(ctx, address, "listen")
			if err != nil {
				return err
			}
			defer func() { _ = l.Close() }()
			o.Log = log
			e, err := emulator.New(ctx, o)
			if e == nil && ctx.Err() != nil {
				return nil // told to end while it was starting
			}
			if err != nil {
				return err
			}
			defer func() { _ = e.Close() }()
			if _, err := fmt.Fprintf(p.out, emulatorPage,
				dialable(l), o.Token, seed.TenantID, seed.ApplicationClientID, shellQuoted(o.Token)); err != nil {
				return err
			}
			return serve(ctx, l, e, log, nil)
		},
	}
	flags := cmd.Flags()
	textFlag(flags, &address, "listen", defaultEmulatorListen, "ADDRESS", "Address and port to serve at")
	textFlag(flags, &o.DB, "db", "", "FILE", "SQLite file that keeps the data; left out, it is in memory only")
	textFlag(flags, &o.Token, "token", emulator.DefaultToken, "TOKEN", "Access token that requests must carry")
	flags.BoolVar(&o.Empty, "empty", false, "Start without sample data")
	limits := emulator.ServiceLimits()
	flags.IntVar(&o.Limits.Requests, "limit-requests", limits.Requests, "Requests of one user in a window, 0 for any number")
	flags.DurationVar(&o.Limits.Execution, "limit-time", limits.Execution, "Execution time of one user in a window, 0 for any")
	flags.IntVar(&o.Limits.Concurrent, "limit-concurrent", limits.Concurrent, "Requests of one user at a time, 0 for any number")
	flags.DurationVar(&o.Limits.Window, "limit-window", limits.Window, "Window that the limits hold for")
	return cmd
}

// checkEmulator refuses what the flags of other commands would refuse.
func checkEmulator(o emulator.Options) error {
	switch {
	case o.Token == "":
		return &usageError{"--token: it is empty"}
	case o.Limits.Requests < 0, o.Limits.Concurrent < 0, o.Limits.Execution < 0, o.Limits.Window < 0:
		return &usageError{"limits: want no less than 0"}
	}
	return nil
}

// shellQuoted is s as one word of a shell.
func shellQuoted(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("-_.:/", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

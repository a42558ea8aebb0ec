package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// program is the process seen from inside: its streams and its environment.
type program struct {
	in  io.Reader
	out io.Writer
	err io.Writer
	env lookup

	environ []string // NAME=value of all variables
}

const (
	exitFailure = 1
	exitUsage   = 2
)

// run executes one command line and returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	started := false
	root := p.rootCommand()
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	root.SetArgs(args)
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	if refused, ok := errors.AsType[*usageError](err); ok || !started {
		if !ok {
			refused = &usageError{err.Error()}
		}
		// First the command: the flag complained about may well be one of the command that was meant.
		if _, rest, _ := root.Find(args); cmd == root && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
			refused = unknownCommand(root, rest[0])
		}
		_, _ = fmt.Fprintf(p.err, "dynamics-mcp: %s (see %s --help)\n", refused.message, cmd.CommandPath())
		return exitUsage
	}
	if !errors.Is(err, errReported) {
		_, _ = fmt.Fprintf(p.err, "dynamics-mcp: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return exitFailure
}

// usageError is a command line that makes no sense.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

// errReported ends a command that has already said what went wrong.
var errReported = errors.New("already reported")

func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "dynamics-mcp",
		Short: "Microsoft Dynamics 365 and Dataverse for MCP clients",
		Long: `dynamics-mcp lets an AI assistant work with a Microsoft Dynamics 365 or Dataverse
environment through the Model Context Protocol. Without an environment at hand,
--demo runs everything against an emulator in the same process.`,
		Example: `  # Look around, with sample data and no account
  dynamics-mcp demo

  # Serve an MCP client that starts programs itself
  DYNAMICS_URL=https://org.crm4.dynamics.com \
  DYNAMICS_TOKEN_COMMAND="az account get-access-token --resource https://org.crm4.dynamics.com" \
  dynamics-mcp stdio

  # Use one tool from the shell
  dynamics-mcp call --demo list_tables`,
		SilenceUsage:          true,
		SilenceErrors:         true,
		DisableFlagsInUseLine: true,
		Args:                  cobra.ArbitraryArgs,
		Version:               versionLine(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(helpCommand(root))
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "Print the version") // without it cobra adds -v too, which people take for verbose
	addFlags(root.PersistentFlags(), everywhere)
	root.AddCommand(
		p.demoCommand(), p.stdioCommand(), p.httpCommand(), p.callCommand(), p.toolsCommand(), p.emulatorCommand(),
		p.versionCommand(), p.docsCommand(),
	)
	return root
}

func unknownCommand(root *cobra.Command, name string) *usageError {
	return &usageError{fmt.Sprintf("unknown command %q%s", name, didYouMean(name, commandNames(root)))}
}

// helpCommand is the library's, but for the exit code where there is nothing to tell.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Tell about a command",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return commandNames(root), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || cmd == root && len(rest) > 0 {
				return unknownCommand(root, args[0])
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

// flagError names the flag that was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	missing, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return &usageError{err.Error()}
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
	name := "--" + missing.GetSpecifiedName()
	if missing.GetSpecifiedShortnames() != "" {
		name = "-" + missing.GetSpecifiedName()
	}
	return &usageError{"unknown flag " + name + didYouMean(name, known)}
}

// noArgs refuses arguments in words of their own: the library would call them unknown commands.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{fmt.Sprintf("%s takes no arguments: got %q", cmd.Name(), args[0])}
}

// addFlags defines the flags of the settings in these scopes.
func addFlags(flags *pflag.FlagSet, scopes ...scope) {
	for _, s := range settings() {
		for _, in := range scopes {
			if s.scope != in || s.flag == "" {
				continue
			}
			first, _, _ := strings.Cut(s.doc, ". ")
			usage := strings.TrimSuffix(first, ".") + " [" + s.env() + "]"
			if s.meta == "" {
				flags.Bool(s.flag, false, usage)
			} else {
				textFlag(flags, new(string), s.flag, s.fallback, s.meta, usage)
			}
		}
	}
}

// textFlag defines a flag whose help says what its value is.
func textFlag(flags *pflag.FlagSet, to *string, name, fallback, meta, usage string) {
	*to = fallback
	flags.Var(&text{to, meta}, name, usage)
}

type text struct {
	value *string
	meta  string
}

func (t *text) String() string { return *t.value }

// Set takes the value as it is: loadConfig checks it, whatever layer it comes from.
func (t *text) Set(value string) error { *t.value = value; return nil }

// Type is shown in help.
func (t *text) Type() string { return t.meta }

// load reads the configuration and starts the log.
func (p *program) load(cmd *cobra.Command) (*config, *slog.Logger, error) {
	c, err := loadConfig(cmd.Flags(), p.env)
	if err != nil {
		return nil, nil, err
	}
	log := newLog(p.err, c.logLevel)
	for _, warning := range append(c.warnings, unknownVariables(p.environ)...) {
		log.WarnContext(cmd.Context(), "configuration", "warning", warning)
	}
	return c, log, nil
}

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/dynamics-mcp/dynamics-mcp/auth"
)

// config is what flags, environment and configuration file say together.
type config struct {
	logLevel    slog.Level
	readOnly    bool
	unconfirmed bool          // destroys without asking
	confirmKey  auth.Secret   // zero: one of this process
	timeout     time.Duration // of one call of a tool
	cacheDir    string        // "" is the user's own
	listen      string

	allowedHosts, allowedOrigins []string      // of the HTTP transport
	sessionIdle                  time.Duration // of its sessions

	audit, auditFile string
	auditArguments   bool
	metricsListen    string // "": nowhere

	given       []string      // keys of settings that the user gave, in any layer
	connections []*connection // in the file's order, the one named default first
	warnings    []string
}

// connection is one Dataverse environment and how to sign in to it.
type connection struct {
	auth.Config
	name       string
	credential origin // where the credentials came from
	fault      error  // why a secret among them cannot be read
}

// origin is a layer of configuration; a later one wins.
type origin int

const (
	fromNowhere origin = iota
	fromFile
	fromEnvironment
	fromFlags
)

// defaultConnection is the name of the connection that flags and environment describe.
const defaultConnection = "default"

// lookup reads the environment, as os.Getenv does.
type lookup func(string) string

// loadConfig reads the configuration file, then the environment, then flags; what comes later wins.
func loadConfig(flags *pflag.FlagSet, env lookup) (*config, error) {
	c := &config{}
	for _, s := range settings() {
		if s.fallback == "" {
			continue
		}
		if err := s.set(c, nil, s.fallback); err != nil {
			return nil, fmt.Errorf("%s: %w", s.key, err)
		}
	}
	if err := c.readFile(flags, env); err != nil {
		return nil, err
	}
	if err := c.readEnvironment(env); err != nil {
		return nil, err
	}
	if err := c.readFlags(flags); err != nil {
		return nil, err
	}
	if len(c.connections) == 0 {
		c.connection(defaultConnection)
	}
	return c, nil
}

// apply sets one value. Credentials of one layer replace those of the layers below, of whichever kind.
func (c *config) apply(s setting, conn *connection, value string, from origin) error {
	if s.isCredential() {
		conn.credentialsFrom(from)
	}
	c.given = append(c.given, s.key)
	return s.set(c, conn, value)
}

// credentialsFrom forgets the credentials of the layers below.
func (c *connection) credentialsFrom(from origin) {
	if c.credential == from {
		return
	}
	c.ClientSecret, c.Token, c.TokenCommand, c.fault = auth.Secret{}, auth.Secret{}, nil, nil
	c.credential = from
}

// lack keeps an unreadableSecret as the fault of its connection, as the others can do without it, and so can all that
// signs in to nothing. It returns every other error, and that of a secret of the whole program.
func (c *connection) lack(err error, from origin) error {
	if _, ok := errors.AsType[*unreadableSecret](err); !ok || c == nil {
		return err
	}
	c.credentialsFrom(from)
	c.fault = cmp.Or(c.fault, err)
	return nil
}

// unreadableSecret is a secret that is not where the configuration says.
type unreadableSecret struct{ err error }

func (e *unreadableSecret) Error() string { return e.err.Error() }
func (e *unreadableSecret) Unwrap() error { return e.err }

// connection finds or makes the connection of this name.
func (c *config) connection(name string) *connection {
	for _, conn := range c.connections {
		if conn.name == name {
			return conn
		}
	}
	conn := &connection{name: name}
	if name == defaultConnection {
		c.connections = append([]*connection{conn}, c.connections...)
	} else {
		c.connections = append(c.connections, conn)
	}
	return conn
}

// target is the connection that a setting of flags or environment belongs to; nil when it belongs to none.
func (c *config) target(s setting) *connection {
	if s.scope != environment {
		return nil
	}
	return c.connection(defaultConnection)
}

func (c *config) readEnvironment(env lookup) error {
	for _, s := range settings() {
		value, name, err := environmentValue(s, env)
		if err != nil {
			if err := c.target(s).lack(err, fromEnvironment); err != nil {
				return err
			}
		}
		if value == "" {
			continue // clients pass empty variables for what the user left out
		}
		if err := c.apply(s, c.target(s), value, fromEnvironment); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func environmentValue(s setting, env lookup) (value, name string, err error) {
	name = s.env()
	value = env(name)
	if value != "" || !s.secret {
		return strings.TrimSpace(value), name, nil
	}
	name += "_FILE"
	path := env(name)
	if path == "" {
		return "", name, nil
	}
	if value, err = readSecret(path); err != nil {
		return "", name, fmt.Errorf("%s: %w", name, err)
	}
	return value, name, nil
}

// unknownVariables finds names that were probably meant for this program and are not of it.
func unknownVariables(environ []string) []string {
	var known, warnings []string
	for _, s := range settings() {
		known = append(known, s.env())
		if s.secret {
			known = append(known, s.env()+"_FILE")
		}
	}
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, envPrefix) && !slices.Contains(known, name) {
			warnings = append(warnings, "unknown variable "+name+didYouMean(name, known))
		}
	}
	return warnings
}

// readSecret reads a file that holds one secret and perhaps a line end.
func readSecret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", &unreadableSecret{err}
	}
	secret := strings.TrimRight(string(b), "\r\n")
	if secret == "" {
		return "", &unreadableSecret{fmt.Errorf("%s is empty", path)}
	}
	return secret, nil
}

func (c *config) readFlags(flags *pflag.FlagSet) error {
	for _, s := range settings() {
		if s.flag == "" || !flags.Changed(s.flag) {
			continue
		}
		if err := c.apply(s, c.target(s), flags.Lookup(s.flag).Value.String(), fromFlags); err != nil {
			return &usageError{fmt.Sprintf("--%s: %v", s.flag, err)}
		}
	}
	return nil
}

// filePath says which configuration file to read, "" for none.
func filePath(flags *pflag.FlagSet, env lookup) string {
	if f := flags.Lookup(configKey); f != nil && f.Changed {
		return f.Value.String()
	}
	if path := env("DYNAMICS_CONFIG"); path != "" {
		return path
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "" // no home, so no file in it
	}
	path := filepath.Join(dir, "dynamics-mcp", "config.yaml")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

func (c *config) readFile(flags *pflag.FlagSet, env lookup) error {
	path := filePath(flags, env)
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("configuration file: %w", err)
	}
	f := configFile{path: path, env: env, config: c}
	if err := f.read(text); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && f.holdsSecret && readableByOthers(info.Mode()) {
		c.warnings = append(c.warnings, fmt.Sprintf("%s holds a secret and can be read by other users: chmod 600 %s", path, path))
	}
	return nil
}

// readableByOthers is never so on Windows, whose modes say nothing about access.
func readableByOthers(mode fs.FileMode) bool {
	return os.PathSeparator == '/' && mode.Perm()&0o044 != 0
}

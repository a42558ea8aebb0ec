package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

const canary = "s3cret-canary-7Hq"

// load reads a configuration from the text of a file, variables and flags, without this machine's own.
func load(t *testing.T, file string, env map[string]string, args ...string) (*config, error) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", dir)
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	addFlags(flags, everywhere, serving, listening, environment)
	if file != "" {
		path := filepath.Join(dir, "config.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return loadConfig(flags, func(name string) string { return env[name] })
}

// summary shows a configuration with its secrets, for comparison.
func summary(c *config) []string {
	lines := []string{fmt.Sprintf("%s %v %s", c.logLevel, c.readOnly, c.listen)}
	for _, conn := range c.connections {
		lines = append(lines, fmt.Sprintf("%s url=%s tenant=%s client=%s secret=%s token=%s command=%s authority=%s", conn.name, conn.URL,
			conn.TenantID, conn.ClientID, conn.ClientSecret.Reveal(), conn.Token.Reveal(), strings.Join(conn.TokenCommand, "|"), conn.Authority))
	}
	return lines
}

const twoConnections = `
log_level: warn
connections:
  sandbox:
    url: https://sandbox.crm.dynamics.com
    token_command: [az, get token]
  default:
    url: https://file.crm.dynamics.com
    tenant_id: t
    client_id: file-app
    client_secret: file-secret
`

func TestFlagsWinOverEnvironmentOverFile(t *testing.T) {
	const sandbox = "sandbox url=https://sandbox.crm.dynamics.com tenant= client= secret= token= command=az|get token authority="
	for _, test := range []struct {
		name, file string
		env        map[string]string
		args       []string
		want       []string
	}{
		{"nothing", "", nil, nil, []string{
			"INFO false 127.0.0.1:8808", "default url= tenant= client= secret= token= command= authority="}},
		{"file", twoConnections, nil, nil, []string{"WARN false 127.0.0.1:8808",
			"default url=https://file.crm.dynamics.com tenant=t client=file-app secret=file-secret token= command= authority=", sandbox}},
		{"environment over file", twoConnections,
			map[string]string{"DYNAMICS_LOG_LEVEL": "error", "DYNAMICS_READ_ONLY": "1", "DYNAMICS_CLIENT_ID": " env-app ", "DYNAMICS_URL": ""}, nil,
			[]string{"ERROR true 127.0.0.1:8808",
				"default url=https://file.crm.dynamics.com tenant=t client=env-app secret=file-secret token= command= authority=", sandbox}},
		{"flags over environment", "",
			map[string]string{"DYNAMICS_LOG_LEVEL": "error", "DYNAMICS_URL": "https://env.crm.dynamics.com", "DYNAMICS_LISTEN": "127.0.0.1:1"},
			[]string{"--log-level=debug", "--url=https://flag.crm.dynamics.com", "--read-only", "--authority=http://127.0.0.1:2"},
			[]string{"DEBUG true 127.0.0.1:1",
				"default url=https://flag.crm.dynamics.com tenant= client= secret= token= command= authority=http://127.0.0.1:2"}},
		{"credentials replace those below", twoConnections, map[string]string{"DYNAMICS_TOKEN": "env-token"}, nil,
			[]string{"WARN false 127.0.0.1:8808",
				"default url=https://file.crm.dynamics.com tenant=t client=file-app secret= token=env-token command= authority=", sandbox}},
		{"command flag replaces token", "", map[string]string{"DYNAMICS_TOKEN": "env-token"}, []string{"--token-command", "az get"},
			[]string{"INFO false 127.0.0.1:8808", "default url= tenant= client= secret= token= command=az|get authority="}},
		{"secret from a variable", "connections: {default: {token_env: MY_TOKEN}}", map[string]string{"MY_TOKEN": "mine"}, nil,
			[]string{"INFO false 127.0.0.1:8808", "default url= tenant= client= secret= token=mine command= authority="}},
		{"empty file", "# nothing yet\n", nil, nil, []string{
			"INFO false 127.0.0.1:8808", "default url= tenant= client= secret= token= command= authority="}},
	} {
		c, err := load(t, test.file, test.env, test.args...)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(test.want, summary(c)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestMistakeInFileIsShownWithLineAndNearestKey(t *testing.T) {
	for file, want := range map[string]string{
		"readonly: true":                               `config.yaml:1: unknown key "readonly": did you mean read_only?`,
		"connections:\n  a:\n    tenantid: x":          `config.yaml:3: unknown key "tenantid": did you mean tenant_id?`,
		"conections: {}":                               `did you mean connections?`,
		"url: https://x":                               `unknown key "url"`,
		"read_only: perhaps":                           `config.yaml:1: read_only: got "perhaps", want true or false`,
		"log_level: loud":                              `got "loud", want debug`,
		"log_level: info\nlog_level: warn":             `:2: key "log_level" is here twice`,
		"connections: {a b: {}}":                       `connection name "a b"`,
		"connections: [a]":                             `want a mapping`,
		"connections: {a: {url: }}":                    `url: has no value`,
		"connections: {a: {url: {b: c}}}":              `url: want one value`,
		"confirm_key_env: NO_SUCH":                     `no variable NO_SUCH`,
		"confirm_key_file: no-such-file":               `no-such-file: no such file`,
		"connections: {a: {token_command: \"az 'x\"}}": `token_command: token command`,
		"a: [":          `config.yaml: yaml: line 1`,
		"config: other": `unknown key "config"`,
	} {
		_, err := load(t, file, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", file, err, want)
		}
	}
}

func TestSecretThatCannotBeReadIsAFaultOfItsConnectionAlone(t *testing.T) {
	const url = "url: https://a.crm.dynamics.com, "
	for _, test := range []struct {
		file string
		env  map[string]string
		want map[string]string // faults
	}{
		{"connections: {a: {" + url + "token_env: NO_SUCH}, b: {" + url + "token: t}}", nil,
			map[string]string{"a": `config.yaml:1: token_env: the environment has no variable NO_SUCH`}},
		{"connections: {a: {" + url + "client_id: x, client_secret_file: no-such-file}}", nil,
			map[string]string{"a": `no-such-file: no such file`}},
		{"connections: {default: {" + url + "token: t}}", map[string]string{"DYNAMICS_TOKEN_FILE": "no-such-file"},
			map[string]string{"default": `DYNAMICS_TOKEN_FILE: open no-such-file`}},
		{"connections: {default: {" + url + "token_file: no-such-file}}", map[string]string{"DYNAMICS_TOKEN": "t"}, nil},
	} {
		c, err := load(t, test.file, test.env)
		if err != nil {
			t.Errorf("%s: %v", test.file, err)
			continue
		}
		for _, conn := range c.connections {
			err, want := conn.missing(), test.want[conn.name]
			if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: connection %s: got %v, want %q", test.file, conn.name, err, want)
			}
		}
	}
}

func TestMistakeInEnvironmentNamesTheVariable(t *testing.T) {
	for name, value := range map[string]string{
		"DYNAMICS_LOG_LEVEL":        "loud",
		"DYNAMICS_READ_ONLY":        "perhaps",
		"DYNAMICS_TOKEN_COMMAND":    "[1]",
		"DYNAMICS_CONFIRM_KEY_FILE": "no-such-file",
	} {
		if _, err := load(t, "", map[string]string{name: value}); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s=%s: got %v", name, value, err)
		}
	}
	if _, err := load(t, "", map[string]string{"DYNAMICS_CONFIG": "no-such-file.yaml"}); err == nil {
		t.Error("a missing configuration file was accepted")
	}
}

func TestFileWithSecretIsForItsOwnerOnly(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for _, test := range []struct {
		text string
		mode os.FileMode
		warn bool
	}{
		{"connections: {a: {token: " + canary + "}}", 0o600, false},
		{"connections: {a: {token: " + canary + "}}", 0o644, true},
		{"connections: {a: {token: " + canary + "}}", 0o640, true},
		{"connections: {a: {token_env: T}}", 0o644, false},
	} {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(test.text), test.mode); err != nil {
			t.Fatal(err)
		}
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		addFlags(flags, everywhere, serving, listening, environment)
		if err := flags.Parse([]string{"--config", path}); err != nil {
			t.Fatal(err)
		}
		c, err := loadConfig(flags, func(name string) string { return map[string]string{"T": "t"}[name] })
		if err != nil || (len(c.warnings) > 0) != test.warn {
			t.Errorf("%s, mode %o: warnings %q, %v", test.text, test.mode, c.warnings, err)
			continue
		}
		if shown := fmt.Sprintf("%+v %+v %q", c, *c.connections[0], c.warnings); strings.Contains(shown, canary) {
			t.Errorf("the secret shows in %s", shown)
		}
	}
}

func TestSecretsHaveNoFlag(t *testing.T) {
	for _, s := range settings() {
		if s.secret && s.flag != "" {
			t.Errorf("%s is a secret and has the flag --%s", s.key, s.flag)
		}
	}
}

func TestConfigurationPageIsCurrent(t *testing.T) {
	want, err := configurationPage()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/configuration.md is old, run go generate ./cmd/dynamics-mcp (-want +got):\n%s", diff)
	}
}

func FuzzConfigurationFile(f *testing.F) {
	f.Add(twoConnections)
	f.Add("connections: {a: {token_command: [a, b], token_env: X}}")
	f.Add("a: &a [*a]\nconnections: *a")
	f.Fuzz(func(t *testing.T, text string) {
		c := &config{}
		file := configFile{path: "c.yaml", env: func(string) string { return "" }, config: c}
		if err := file.read([]byte(text)); err != nil && !strings.HasPrefix(err.Error(), "c.yaml") {
			t.Errorf("%q: error without a place: %v", text, err)
		}
		for _, conn := range c.connections {
			if !namePattern.MatchString(conn.name) {
				t.Errorf("%q: connection %q", text, conn.name)
			}
		}
	})
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// configFile reads one YAML file into config. It walks the nodes, so that each complaint has a line number and
// the nearest key there is.
type configFile struct {
	path        string
	env         lookup
	config      *config
	holdsSecret bool
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

func (f *configFile) read(text []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		if line := tabbedLine(text); line > 0 {
			return fmt.Errorf("%s:%d: indented with a tab: YAML takes spaces only", f.path, line)
		}
		return fmt.Errorf("%s: %w", f.path, err)
	}
	if len(doc.Content) == 0 {
		return nil // empty, or comments only
	}
	return f.entries(doc.Content[0], func(key, value *yaml.Node) error {
		if key.Value == connectionsKey {
			return f.connections(value)
		}
		return f.value(nil, key, value)
	})
}

// tabbedLine is the number of the first line with a tab in its indentation, 0 for none.
func tabbedLine(text []byte) int {
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if bytes.ContainsRune(line[:len(line)-len(bytes.TrimLeft(line, " \t"))], '\t') {
			return number
		}
	}
	return 0
}

func (f *configFile) connections(node *yaml.Node) error {
	return f.entries(node, func(key, value *yaml.Node) error {
		if !namePattern.MatchString(key.Value) {
			return f.fail(key, fmt.Errorf("connection name %q: want letters, digits, - and _", key.Value))
		}
		conn := f.config.connection(key.Value)
		return f.entries(value, func(key, value *yaml.Node) error { return f.value(conn, key, value) })
	})
}

// entries calls each for the keys and values of a mapping, in order.
func (f *configFile) entries(node *yaml.Node, each func(key, value *yaml.Node) error) error {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return nil
	}
	if node.Kind != yaml.MappingNode {
		return f.fail(node, errors.New("want a mapping of names to values"))
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if seen[key.Value] {
			return f.fail(key, fmt.Errorf("key %q is here twice", key.Value))
		}
		seen[key.Value] = true
		if err := each(key, node.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// value sets the key of one connection, or of the top when conn is nil.
func (f *configFile) value(conn *connection, key, node *yaml.Node) error {
	var known []string
	for _, s := range settings() {
		if s.key == configKey || (s.scope == environment) != (conn != nil) {
			continue
		}
		known = append(known, s.key)
		if s.secret {
			known = append(known, s.key+"_env", s.key+"_file")
		}
		text, err := f.text(s, key.Value, node)
		if errors.Is(err, errOtherKey) {
			continue
		}
		if err == nil {
			err = f.config.apply(s, conn, text, fromFile)
		}
		if err != nil {
			return conn.lack(f.fail(key, fmt.Errorf("%s: %w", key.Value, err)), fromFile)
		}
		return nil
	}
	if conn == nil {
		known = append(known, connectionsKey)
	}
	return f.fail(key, fmt.Errorf("unknown key %q%s", key.Value, didYouMean(key.Value, known)))
}

var errOtherKey = errors.New("a key of another setting")

// text returns what key gives to s, reading the file or the variable that it may point to.
func (f *configFile) text(s setting, key string, node *yaml.Node) (string, error) {
	switch {
	case key == s.key:
		f.holdsSecret = f.holdsSecret || s.secret
		return scalar(node)
	case s.secret && key == s.key+"_env":
		name, err := scalar(node)
		if err != nil {
			return "", err
		}
		if value := f.env(name); value != "" {
			return value, nil
		}
		return "", &unreadableSecret{fmt.Errorf("the environment has no variable %s", name)}
	case s.secret && key == s.key+"_file":
		path, err := scalar(node)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(f.path), path)
		}
		return readSecret(path)
	}
	return "", errOtherKey
}

// scalar returns a value as text; a list, which a command may be, as JSON.
func scalar(node *yaml.Node) (string, error) {
	switch node.Kind {
	case yaml.ScalarNode:
		if node.Tag == "!!null" || node.Value == "" {
			return "", errors.New("has no value")
		}
		return node.Value, nil
	case yaml.SequenceNode:
		var words []string
		if err := node.Decode(&words); err != nil {
			return "", errors.New("want a list of words")
		}
		b, err := json.Marshal(words)
		return string(b), err
	}
	return "", errors.New("want one value")
}

func (f *configFile) fail(node *yaml.Node, err error) error {
	return fmt.Errorf("%s:%d: %w", f.path, node.Line, err)
}

//go:build deps

// Package deps keeps the modules agreed on in go.mod while the rooms are being built.
package deps

import (
	_ "github.com/agnivade/levenshtein"
	_ "github.com/cenkalti/backoff/v5"
	_ "github.com/dustin/go-humanize"
	_ "github.com/golang-jwt/jwt/v5"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/google/uuid"
	_ "github.com/invopop/jsonschema"
	_ "github.com/lmittmann/tint"
	_ "github.com/mark3labs/mcp-go/server"
	_ "github.com/mattn/go-isatty"
	_ "github.com/mattn/go-shellwords"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/santhosh-tekuri/jsonschema/v6"
	_ "github.com/spf13/cobra"
	_ "github.com/spf13/cobra/doc"
	_ "go.yaml.in/yaml/v3"
	_ "golang.org/x/oauth2"
	_ "golang.org/x/oauth2/clientcredentials"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/sync/singleflight"
	_ "modernc.org/sqlite"
)

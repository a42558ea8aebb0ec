# What each target does: make help
.DEFAULT_GOAL := help
SHELL := /bin/bash
GOLANGCI := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$(VERSION)

.PHONY: help build test race e2e interop lint fmt generate bench check tidy-check fmt-check generate-check

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build bin/dynamics-mcp, static and stripped
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/dynamics-mcp ./cmd/dynamics-mcp

test: ## Run the Go suite (needs Go alone)
	go test ./...

race: ## Run the Go suite with the race detector, in random order
	go test -race -shuffle=on -timeout 30m ./...

e2e: ## Run the scripts against the real binary
	go test ./test/...

interop: build ## Run the suites that others wrote against the binary (needs Node.js and npm)
	CGO_ENABLED=0 go build -tags conformance -o bin/conformance ./test/conformance
	cd test/interop && npm ci --ignore-scripts --no-audit --no-fund && node run.mjs

lint: ## Check with golangci-lint, at the version pinned here
	$(GOLANGCI) run ./...

fmt: ## Format all Go files
	$(GOLANGCI) fmt ./...

generate: ## Write the generated pages and snapshots
	go run ./cmd/dynamics-mcp docs docs
	go test ./server -run TestToolsListIsAsReviewed -update

bench: ## Run the benchmarks; compare two runs with benchstat
	go test -run '^$$' -bench . -benchmem -timeout 30m -count $(or $(COUNT),6) ./...

check: fmt-check tidy-check lint generate-check race interop ## Everything that CI checks

fmt-check:
	@files=$$($(GOLANGCI) fmt --diff ./... 2>&1) || { echo "$$files"; exit 1; }
	@[ -z "$$files" ] || { echo "$$files"; echo "run: make fmt"; exit 1; }

tidy-check:
	go mod tidy -diff

generate-check: generate
	@git diff --exit-code -- docs server || { echo "generated files are stale: commit what make generate wrote"; exit 1; }

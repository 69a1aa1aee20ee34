# Type `make` to see what there is. One shell a recipe line, that stops at the
# first error, so that a failing command in the middle is never lost.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules

FUZZTIME ?= 10s
BENCH ?= .
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)

# The linters' own dependencies stay out of the product's go.mod: they are a
# module of their own, pinned in tools/go.mod, and built once.
LINT := bin/tools/golangci-lint
VULN := bin/tools/govulncheck

.PHONY: help
help: ## Print what there is
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install
install: ## Bring what a fresh Debian lacks (root or sudo; nothing to do is quick and needs no network)
	@scripts/install.sh

.PHONY: agents
agents: install ## Bring the agents' programs that the tests start (npm; half a gigabyte the first time)
	@scripts/install.sh agents

.PHONY: build
build: ## Build bin/hotcell: one static program
	@scripts/build.sh bin/hotcell -trimpath -ldflags '-s -w -X main.version=$(VERSION)'

.PHONY: clients
clients: ## Build the commands alone for macOS and Windows: bin/hotcell-darwin-arm64, …
	@for on in darwin/arm64 darwin/amd64 windows/amd64; do
	  end=$${on/windows*/.exe}
	  [[ "$$end" == .exe ]] || end=
	  CGO_ENABLED=0 GOOS=$${on%/*} GOARCH=$${on#*/} go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o "bin/hotcell-$${on/\//-}$$end" ./cmd/hotcell
	done

# Most of what takes long waits for browsers and servers: more at once than there
# are cores. The package that takes longest comes first, and all have one program,
# built once.
.PHONY: test
test: agents ## Run every test with the race detector
	@scripts/build.sh bin/hotcell-tested
	HOTCELL_TEST_BINARY=$(CURDIR)/bin/hotcell-tested go test -race -parallel 4 -timeout 75m ./test ./...

.PHONY: check
check: install format vet lint architecture short vulnerabilities ## Everything that must hold before a commit

.PHONY: demo
demo: install build ## Show it all in a minute: a real job, and the same one hostile
	CGO_ENABLED=0 go build -trimpath -o bin/hotcell-demo ./cmd/hotcell-demo
	bin/hotcell-demo

# One package at a time: two benchmarks at once would measure each other.
.PHONY: bench
bench: install ## Measure, each figure beside its peer or limit (BENCH=name for one)
	go test -run '^$$' -bench '$(BENCH)' -benchmem -p 1 -timeout 30m ./...

# The same tests as in `test`, those named TestProve…, with as many cases as the
# claims in SECURITY.md and docs/threat-model.md are made of.
.PHONY: prove
prove: agents ## Show the claims at their full figures (hours)
	HOTCELL_PROVE=full go test -count 1 -run '^TestProve' -timeout 12h ./...

# Apart from `test`: it brings a third of a gigabyte from npm the first time.
.PHONY: conformance
conformance: install ## Run the MCP conformance suite (npm; the first time brings Node 22 into bin)
	@scripts/conformance.sh

# Go fuzzes one target at a time. Shrinking what is merely new takes longer than
# finding it, and is of no use here.
.PHONY: fuzz
fuzz: ## Fuzz every parser (FUZZTIME=10s each)
	for package in $$(go list ./...); do
	  for target in $$(go test -list '^Fuzz' "$$package" | grep '^Fuzz' || true); do
	    echo "$$package $$target"
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime '$(FUZZTIME)' -fuzzminimizetime 1x "$$package"
	  done
	done

.PHONY: format
format:
	@lacking=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l)
	if [[ -n "$$lacking" ]]; then echo "not formatted, run gofmt -w on:"; echo "$$lacking"; exit 1; fi

.PHONY: vet
vet:
	go vet ./...

.PHONY: lint
lint: $(LINT)
	$(LINT) run ./...

.PHONY: architecture
architecture:
	go test -count 1 -run '^TestArchitecture' .

.PHONY: short
short:
	go test -race -short -timeout 10m ./...

.PHONY: vulnerabilities
vulnerabilities: $(VULN)
	@scripts/vulnerabilities.sh $(VULN)

$(LINT) $(VULN) &: tools/go.mod tools/go.sum
	@mkdir -p bin/tools
	go -C tools build -o ../bin/tools/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint golang.org/x/vuln/cmd/govulncheck
	touch $(LINT) $(VULN)

.ONESHELL:

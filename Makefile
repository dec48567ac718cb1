# Every target is one line of work; the longer ones live in scripts/.
SHELL := bash
GO ?= go
.DEFAULT_GOAL := help
.PHONY: help run build test race lint fmt cover compat compat-go compat-terraform java e2e screens fuzz bench bench-scale bench-sweep random-queries hostile kill failover docs release image

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## start Stagedoor and Mixtape on this machine, seeded
	$(GO) run ./cmd/stagedoor demo

build: ## build bin/stagedoor, without cgo
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/stagedoor ./cmd/stagedoor

test: ## install what the tests need and run them all, on SQLite and PostgreSQL
	scripts/install
	scripts/test

race: ## unit tests with the race detector, on SQLite and PostgreSQL
	scripts/test race

lint: ## gofmt, gofumpt, vet, staticcheck
	scripts/lint

fmt: ## format every Go file
	gofmt -w $$(find . -name '*.go' -not -path '*/node_modules/*')
	$(GO) run mvdan.cc/gofumpt@v0.12.0 -w $$(find . -name '*.go' -not -path '*/node_modules/*')

cover: ## unit tests with a coverage table
	scripts/postgres $(GO) test -coverprofile=cover.out ./... && $(GO) tool cover -func=cover.out | tail -n 1

compat-go: ## the Go SDK's own management tests, live (TESTFLAGS='-only Role')
	cd compat && $(GO) test ./goauth0 -count=1 -v -timeout 40m $(TESTFLAGS)

compat-terraform: ## acceptance tests of the Terraform provider, live (PROVIDER=checkout TERRAFORM=program)
	scripts/terraform

java: ## the clients for Java, with a Java, Maven and libraries that it installs
	scripts/java

compat: ## official SDKs and the documented requests against a running demo
	scripts/test compat

e2e: ## the story in a real browser
	scripts/test e2e

screens: ## pictures of every page and screen, both themes, two widths, two languages, and what is wrong with them (SCREENS=/tmp/stagedoor-screens)
	cd e2e && $(GO) test -run 'TestEveryPage|TestHostedPages|TestMixtapeScreens' -count=1 -timeout 60m -args -screenshots $(or $(SCREENS),/tmp/stagedoor-screens)

fuzz: ## one minute of every fuzz target (FUZZTIME=1m)
	scripts/fuzz

random-queries: ## searches on both engines against a naive evaluator (PAIRS=100000 SEED=)
	scripts/random-queries

bench: ## the benchmarks that the project promises, as a table
	scripts/bench

bench-sweep: ## a million expired rows deleted beside patches, and what these notice (SWEEP_ROWS=1000000)
	STAGEDOOR_SWEEP_ROWS=$${SWEEP_ROWS:-1000000} scripts/postgres $(GO) test ./internal/store -run '^$$' -bench '^BenchmarkSweep$$' -benchtime 1x -timeout 60m

hostile: ## hostile scripts of one tenant under load, and what other tenants notice, as a table
	scripts/hostile

bench-scale: ## how cost grows to a million users and 10,000 tenants (SIZES=10000,100000 ENGINE=sqlite TENANTS=0)
	scripts/bench-scale

docs: ## the generated pages of docs/
	$(GO) generate ./...

kill: ## kill -9 under load: the server 500 times on SQLite, server and database 100 times on PostgreSQL (KILLS=, PGKILLS=)
	set -o pipefail; $(GO) test ./ordeal -run 'TestKill' -kills $(or $(KILLS),500) -postgres-kills $(or $(PGKILLS),100) -v -count=1 -timeout 180m | grep --line-buffered -v 'level='

failover: ## a PostgreSQL cluster under load whose nodes and network fail, one after the other (as root)
	set -o pipefail; $(GO) test ./ordeal -run 'TestFailover' -failovers -v -count=1 -timeout 60m | grep --line-buffered -v 'level='

release: ## bin/: one binary for each system, with checksums
	scripts/release

image: ## a container image of the program (ENGINE=podman|docker|buildah TAG=stagedoor ARCH=amd64)
	scripts/image

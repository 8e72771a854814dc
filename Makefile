# Headroom. `make test` is the one command, here and in CI.
#
#   make test       what CI runs: checks, then all tests with the race detector on both databases
#   make check      format, vet, lint, and a cross-build of each system and architecture
#   make test-long  what takes long: fuzz targets, kill loops, the suite with HEADROOM_LONG=1
#   make bench      the benchmarks, then Headroom beside other databases on a large estate
#   make screenshots  the pictures of README, of the demo
#   make demo       a hub, agents and a simulated estate in one process
#   make build      the program for this machine, build/headroom

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# The product has no cgo. The checks build without it as well, so that all of
# them share what they compile; only the race detector needs it.
NOCGO    = CGO_ENABLED=0
LDFLAGS  = -s -w -X main.version=$(VERSION)
TARGETS  = linux/amd64 linux/arm64 windows/amd64 windows/arm64 darwin/amd64 darwin/arm64
# Each system and each architecture once: all that our own code tells apart. Every
# other pair is a build of all libraries more, for make test-long.
CHECKED  = linux/amd64 windows/amd64 darwin/arm64
LINT     = $(GO) tool -modfile=$(CURDIR)/tools/go.mod golangci-lint
BENCH   ?= .
BENCHFLAGS ?=
FUZZTIME ?= 1m

# The tests run in the folders of their packages: a relative path would mean
# another place to each.
export HEADROOM_SAMPLES := $(abspath $(or $(HEADROOM_SAMPLES),../shared/samples))

.PHONY: all build test test-go test-long test-long-go check format vet lint cross bench demo screenshots prepare clean

all: check build

build:
	$(NOCGO) $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o build/headroom ./cmd/headroom

test: prepare
	$(MAKE) check
	scripts/with-postgres.sh $(MAKE) test-go

# Where the race detector would only make tests slow: the benchmark is not shipped, and
# its tests are arithmetic; the simulated runs of delivery are one goroutine each.
NORACE   = ./bench ./internal/delivery
RACE     = $$($(GO) list ./... | grep -v -e '/bench$$' -e '/delivery$$')

# What check has vetted is not vetted again.
test-go:
	$(GO) test -race -vet=off $(RACE)
	$(NOCGO) $(GO) test -vet=off $(NORACE)
	@if [ -f e2e/go.mod ]; then set -x; cd e2e && $(NOCGO) $(GO) test -vet=off ./...; fi

test-long: prepare
	$(MAKE) cross
	HEADROOM_LONG=1 scripts/with-postgres.sh $(MAKE) test-long-go
	scripts/fuzz.sh $(FUZZTIME)

test-long-go:
	$(GO) test -race -count=1 -timeout=60m $(RACE)
	$(NOCGO) $(GO) test -count=1 -timeout=60m $(NORACE)
	@if [ -f e2e/go.mod ]; then set -x; cd e2e && $(GO) test -count=1 -timeout=60m -tags=contract ./...; fi

check: format vet lint $(CHECKED:%=cross/%)

format:
	$(NOCGO) $(LINT) fmt --diff

# The linters vet for this system.
vet:
	$(NOCGO) GOOS=windows $(GO) vet ./...

lint:
	$(NOCGO) $(LINT) run
	@if [ -f e2e/go.mod ]; then set -x; cd e2e && $(NOCGO) $(LINT) run; fi

cross: $(TARGETS:%=cross/%)

.PHONY: $(TARGETS:%=cross/%)
$(TARGETS:%=cross/%): cross/%:
	$(NOCGO) GOOS=$(*D) GOARCH=$(*F) $(GO) build -ldflags '$(LDFLAGS)' -o build/cross/$(*D)-$(*F)/ ./cmd/headroom

bench:
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...
	$(NOCGO) $(BESIDE_POSTGRES) $(GO) run ./bench $(BENCHFLAGS)

# Without a PostgreSQL server on this machine, the benchmark says so.
BESIDE_POSTGRES = $(shell scripts/postgres-bin.sh >/dev/null 2>&1 && echo scripts/with-postgres.sh)

demo:
	$(GO) run ./cmd/headroom demo

# The pictures of README, of the demo as it is now.
screenshots: prepare
	cd e2e && $(NOCGO) HEADROOM_PICTURES=$(CURDIR)/docs/img $(GO) test -count=1 -run TestPicturesOfTheReadme ./...

# Installs what the tests need where it is missing and we are root; otherwise
# it says what to install.
prepare:
	scripts/prepare.sh

clean:
	rm -rf build

# make help lists what there is. `make check` is what CI runs.

VERSION     ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT      ?= $(shell git rev-parse --short HEAD 2>/dev/null)
DATE        ?= $(shell git log -1 --format=%cI 2>/dev/null)
V            = aad/internal/version
LDFLAGS      = -s -w -X '$(V).Version=$(VERSION)' -X '$(V).Commit=$(COMMIT)' -X '$(V).Date=$(DATE)'
GOBUILD      = CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)"
STATICCHECK  = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 10s
PLATFORMS    = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

CROSS        = linux/arm64 darwin/arm64 windows/amd64
# Their tests drive programs that they build themselves, or read files.
NORACE       = docs|editors|examples|internal/(archtest|bench|dist)

.DEFAULT_GOAL := help
.PHONY: help build demo test race check bench lint fuzz cross dist vsix clean

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

build: ## build bin/aad, bin/aa and bin/aad-shim
	@mkdir -p bin
	@$(GOBUILD) -o bin/ ./cmd/aad ./cmd/aa ./cmd/aad-shim

demo: build ## work two real tasks end to end in a throw-away home
	@sh examples/demo.sh

# The tests of daemon take longest, so they begin first.
test: ## pass all tests
	@bin=$$(mktemp -d) && trap 'rm -rf "$$bin"' EXIT && \
	go build -o "$$bin/" ./cmd/... ./internal/model/scripted-model && AA_TEST_BIN=$$bin \
	go test -v -count=1 -timeout 30m ./daemon ./...

race: ## pass the tests under the race detector
	CGO_ENABLED=1 go test -race -short -count=1 -timeout 40m ./daemon $$(go list ./... | grep -vE '^aad/($(NORACE))$$')

check: ## everything CI does
	@.ci/run

bench: build ## measure, and keep the table in docs/benchmarks.md
	go run ./internal/bench

lint: ## gofmt, vet, staticcheck
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "not formatted (gofmt -w them):"; echo "$$out"; exit 1; fi
	go vet ./...
	$(STATICCHECK) ./...

fuzz: ## fuzz every parser for FUZZTIME each (10s)
	@.ci/fuzz $(FUZZTIME)

cross: ## compile and vet for each other system and processor (CROSS; dist is for all)
	@set -e; for p in $(CROSS); do for what in build vet; do echo "$$what $$p"; \
		CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} go $$what ./...; done; done

DISTFLAGS    = -version "$(VERSION)" -commit "$(COMMIT)" -date "$(DATE)"

dist: ## build dist/: archives for every platform, .deb, .rpm, checksums, SBOMs
	@rm -rf dist
	go run ./internal/dist -platforms "$(PLATFORMS)" $(DISTFLAGS)

vsix: ## build dist/aad.vsix, the VS Code extension (needs npm)
	@cd editors/vscode && npm install --no-package-lock --no-audit --no-fund --prefer-offline && npx --no-install tsc -p .
	go run ./internal/dist -vsix $(DISTFLAGS)

clean: ## remove what was built
	rm -rf bin dist editors/vscode/out

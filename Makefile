# Needs Go 1.26 and a POSIX shell; "make test" as root installs the rest.

.PHONY: build packages manuals demo test soak lint fuzz bench clean help

build: ## build all programs into bin/
	@mkdir -p bin
	@version=$$(git describe --tags --always --dirty 2>/dev/null || echo devel); \
	flags="-X github.com/ktsd/ktsd/internal/cli.Version=$$version"; \
	echo "building $$version into bin/"; \
	export CGO_ENABLED=0; \
	go build -trimpath -buildvcs=false -ldflags "$$flags" -o bin/ ./ktadmin ./orgtool ./cmd/keytrustee && \
	go build -trimpath -buildvcs=false -ldflags "$$flags" -o bin/ktsd ./server
	@ln -sf orgtool bin/keytrustee-orgtool

packages: build ## build .deb and .rpm for amd64 and arm64 into dist/
	@sh systemd/packages/build.sh

demo: build ## build, then show a key stored and fetched, from init to get
	@sh examples/demo.sh

test: ## run all tests; as root, install the Debian packages they need first
	@sh .ci/test

soak: ## the fault tests for longer, without the race detector: half an hour
	@KTSD_SOAK=1 sh .ci/test

lint: ## gofmt, go vet, staticcheck, govulncheck
	@sh .ci/lint

fuzz: ## run every fuzz target for a while (FUZZTIME=10s)
	@sh .ci/fuzz

bench: build ## measure the speed beside a floor, and tell the bars; options in BENCH="…"
	@CGO_ENABLED=0 go build -trimpath -buildvcs=false -o bin/ ./bench
	@bin/bench $(BENCH)

manuals: build ## write manual pages, and completion for shells, into build/share, as they lie below /usr/share
	@rm -rf build/share; \
	export SOURCE_DATE_EPOCH="$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null)}"; \
	sh systemd/packages/share.sh bin build/share

clean: ## remove bin/, build/ and dist/
	rm -rf bin build dist

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile

# Staffetta. `make` alone lists what there is to do.

.DEFAULT_GOAL := help

# What `staffetta version` tells. A tree without git (an archive) still builds.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

# A CPU profile of `bench throughput` and `bench burst` on real servers.
PROFILE := services/cmd/staffetta/hot.pgo

# More flags for `go test`, such as TESTFLAGS='-run Retry -v'.
TESTFLAGS ?=

.PHONY: help
help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Build, then run everything in one process with demo data (needs only Go)
	bin/staffetta standalone --demo

# No cgo and no paths of this machine: the binary runs anywhere, and the same source makes the same file.
# The compiler knows from a CPU profile which functions are hot (`make profile`).
.PHONY: build
build: ## Build bin/staffetta (needs only Go)
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -pgo=$(PROFILE) \
		-ldflags '-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)' \
		-o bin/staffetta ./services/cmd/staffetta

# What goes into the image, beside it.
.PHONY: sbom
sbom: build ## List the modules in bin/staffetta, in bin/staffetta.cdx.json (CycloneDX)
	.ci/sbom $(VERSION)

.PHONY: image
image: ## Build the container image (needs Docker): staffetta/staffetta:$(VERSION)
	docker build --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) --tag staffetta/staffetta:$(VERSION) .

.PHONY: test-compose
test-compose: sbom ## Check image, docker-compose.yml and what it sets up, without a container engine
	STAFFETTA_TEST_VERSION='$(VERSION) ($(COMMIT))' TESTFLAGS='$(TESTFLAGS)' .ci/test-compose

.PHONY: try-compose
try-compose: sbom ## Run every command of docker-compose.yml as a process, on real servers (a few minutes)
	TESTFLAGS='$(TESTFLAGS)' .ci/test-compose up

.PHONY: test
test: ## Run every test that needs nothing but Go (under the race detector where there is a C compiler)
	go test $$(.ci/race) -timeout 15m $(TESTFLAGS) ./proto/... ./pkg/... ./services/...

.PHONY: test-real
test-real: ## Run the tests on real Kafka, Redis and PostgreSQL, started for them and stopped after them
	TESTFLAGS='$(TESTFLAGS)' .ci/test-real

.PHONY: test-observability
test-observability: ## Let a real Prometheus answer every panel and alert of a running demo, and test the rules
	TESTFLAGS='$(TESTFLAGS)' .ci/test-observability

.PHONY: test-sampling
test-sampling: ## Let the OpenTelemetry Collector's tail sampling decide by our configuration (minutes to compile)
	cd .ci/sampling && GOWORK=off go test -count=1 ./...

.PHONY: servers
servers: ## Start real Kafka, Redis and PostgreSQL; print export lines, for eval "$(make servers)"
	@.ci/servers start

.PHONY: servers-stop
servers-stop: ## Stop them and remove their data
	@.ci/servers stop

.PHONY: lint
lint: ## Check formatting, imports, generated code, modules and scripts
	.ci/lint

.PHONY: generate
generate: ## Generate the code of proto/, docs/schema.md, openapi.json and pkg/client (the linter checks that they are fresh)
	.ci/lint generate

# A part of every release: from then on the linter refuses what is not compatible with it.
.PHONY: release-proto
release-proto: ## Make what is in proto/ the release that the linter compares later changes with
	.ci/lint release

# How long fuzz-api goes on, and the seed of its requests: a new one each time by default.
FUZZ_SECONDS ?= 600
FUZZ_SEED ?=

.PHONY: fuzz-api
fuzz-api: ## Fuzz the REST API against its OpenAPI document for ten minutes
	.ci/fuzz-api $(FUZZ_SECONDS) $(FUZZ_SEED)

.PHONY: test-browser
test-browser: ## Use the portal in a browser as people do, and look for barriers (Chromium, axe-core)
	TESTFLAGS='$(TESTFLAGS)' .ci/test-browser

.PHONY: test-chart
test-chart: ## Test the Helm chart: rendered, against its types, and on an API server if `make kube` built one
	TESTFLAGS='$(TESTFLAGS)' .ci/test-chart

.PHONY: kube
kube: ## Build Helm 4, etcd and kube-apiserver for test-chart, once (14 minutes of CPU time)
	.ci/test-chart kube

# Where screenshots go.
INTO ?= bin/screenshots

.PHONY: screenshots
screenshots: ## Take pictures of every page of the portal, for people to look at: INTO=folder
	TESTFLAGS='$(TESTFLAGS)' .ci/test-browser screenshots $(INTO)

.PHONY: bench
bench: build ## Measure deliveries per second on embedded parts, and the functions on their path
	bin/staffetta bench throughput --json
	go test -run '^$$' -bench 'Decode|Match|Render|Sign|Standard|Track|Post|Encode|Record|Take' -benchmem \
		./pkg/codec ./services/router ./pkg/format ./pkg/signature ./pkg/bus ./pkg/egress ./pkg/journal ./pkg/sqlstore ./pkg/quota

.PHONY: profile
profile: build ## Make the profile anew that the compiler uses (on the servers of `make servers`, if they are set)
	dir=$$(mktemp -d) && \
		bin/staffetta bench throughput --pairs 1 --events 100000 --cpuprofile $$dir/one && \
		bin/staffetta bench throughput --pairs 1 --events 100000 --accounts 100 --cpuprofile $$dir/many && \
		bin/staffetta bench burst --backlog 60000 --drain 5000 --seconds 5 --cpuprofile $$dir/burst && \
		go tool pprof -proto -output $(PROFILE) $$dir/one $$dir/many $$dir/burst && \
		rm -r $$dir

# More flags for `demo day`, such as DAYFLAGS='--changes 1000 --seed 7'.
DAYFLAGS ?=
.PHONY: day
day: build ## Live through a day at several stores, 10,000 changes, and compare all that was said of it
	bin/staffetta demo day $(DAYFLAGS)

# More flags for `bench chaos`, such as SOAKFLAGS='--rounds 20 --seed 7'. On real servers, which it kills:
# eval "$(make servers)" && make soak SOAKFLAGS='--servers .ci/servers'
SOAKFLAGS ?=

.PHONY: soak
soak: build ## Kill and restart parts of an installation 200 times under load, about half an hour
	bin/staffetta bench chaos --rounds 200 --json $(SOAKFLAGS)

.PHONY: clean
clean: ## Remove what was built and downloaded (stops the servers first)
	.ci/servers stop
	for set in .servers/test*; do STAFFETTA_SERVERS_DIR=$$set .ci/servers stop; done
	rm -rf bin .tools .servers

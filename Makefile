# Two commands do everything on a fresh machine: `make e2e` and `make test`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# The project is pure Go; a C compiler is not asked for.
export CGO_ENABLED := 0

# What `make e2e` takes from the command line: CLOUD=mock|yandex,
# CLUSTER=embedded|kind|managed|existing, K8S_VERSION=1.36, PROFILE=core,
# ARGS='--any-other-flag=of-wlif-run'.
RUN_FLAGS = $(if $(CLOUD),--cloud=$(CLOUD)) $(if $(CLUSTER),--cluster=$(CLUSTER)) \
            $(if $(K8S_VERSION),--k8s-version=$(K8S_VERSION)) $(if $(PROFILE),--profile=$(PROFILE)) $(ARGS)

COMMIT := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
LDFLAGS = -w -X main.commit=$(COMMIT)

# What all that is built here has in common, the programs of Kubernetes too, is compiled
# once if the flags are the same (framework/localcluster/buildcache has them too). What
# only a debugger reads takes a fifth of the compiler's time, and in generated clients
# nothing is gained by optimizing. For a debugger set GOFLAGS= and run go build.
GENERATED = $(addprefix k8s.io/client-go/,applyconfigurations informers kubernetes/typed listers) \
  github.com/aws/aws-sdk-go-v2/service/s3 github.com/yandex-cloud/go-genproto
export GOFLAGS := $(strip $(shell go env GOFLAGS) -trimpath -gcflags=all=-dwarf=false \
  $(foreach p,$(GENERATED),'-gcflags=$(p)/...=-dwarf=false -N -l') -ldflags=-w)
# Collecting the compiler's garbage is not worth a third of its time.
GO_BUILD = GOGC=800 go build

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/wlif, the compiled suite, the ginkgo that runs it and the program for pods
	@mkdir -p bin
	$(GO_BUILD) -ldflags '$(LDFLAGS)' -o bin/wlif ./cmd/wlif
	GOGC=800 go test -c -o bin/suites.test ./suites
	$(GO_BUILD) -ldflags '-s -w' -o bin/readsecret ./cmd/readsecret
	$(GO_BUILD) -o bin/ginkgo github.com/onsi/ginkgo/v2/ginkgo

.PHONY: goflags
goflags:
	@echo "$$GOFLAGS"

.PHONY: e2e
e2e: build ## Run the suite: mock cloud and embedded cluster, or CLOUD= CLUSTER= K8S_VERSION= PROFILE= ARGS=
	$(if $(CLOUD)$(CLUSTER),,@echo 'The cluster is the embedded one; with Docker, CLUSTER=kind gives pods a real kubelet and containers.')
	@bin/wlif run $(RUN_FLAGS)

.PHONY: test
test: ## Run the unit, fuzz seed and integration tests
	@go test -timeout 30m $(TESTFLAGS) ./...

.PHONY: test-kind
test-kind: ## Run the tests that need Docker too: real kind clusters (minutes)
	@WLIF_KIND=1 go test -count=1 -timeout 30m $(TESTFLAGS) ./framework/localcluster/kind

.PHONY: test-sdkv1
test-sdkv1: ## Run the mock's test with the first version of the Go SDK too (compiles it: minutes)
	cd framework/mockcloud/sdkv1 && $(GO_BUILD) -o ../../../bin/sdkv1 .
	WLIF_SDKV1=$(CURDIR)/bin/sdkv1 go test -count=1 -run TestGoSDKv1 $(TESTFLAGS) ./framework/mockcloud

space := $() $()
.PHONY: test-html
test-html: ## Run the tests of report.html that need Chromium and npm too; RUNS=FOLDER:FOLDER opens pages of runs
	@axe=$$(scripts/axe) && WLIF_CHROMIUM=1 WLIF_AXE=$$axe WLIF_HTML_RUNS='$(subst $(space),:,$(abspath $(subst :, ,$(RUNS))))' go test -count=1 -timeout 15m -v $(TESTFLAGS) ./framework/htmlreport

.PHONY: lint
lint: bin/golangci-lint bin/actionlint ## Check the code and the workflows (builds the linters once)
	bin/golangci-lint run ./...
	bin/actionlint

.PHONY: lint-gitlab
lint-gitlab: ## Check .gitlab-ci.yml against GitLab's schema (needs npm and node, for the schema)
	@schema=$$(scripts/gitlab-schema) && WLIF_GITLAB_SCHEMA=$$schema go test -count=1 $(TESTFLAGS) ./scripts/workflows

.PHONY: vuln
vuln: bin/govulncheck ## Look for known vulnerabilities in what is called (asks the Go vulnerability database)
	bin/govulncheck -test ./...

bin/govulncheck: scripts/govulncheck/go.mod
	@mkdir -p bin
	$(GO_BUILD) -modfile=scripts/govulncheck/go.mod -o $@ golang.org/x/vuln/cmd/govulncheck

bin/golangci-lint: scripts/lint/go.mod
	@mkdir -p bin
	$(GO_BUILD) -modfile=scripts/lint/go.mod -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

bin/actionlint: scripts/actionlint/go.mod
	@mkdir -p bin
	$(GO_BUILD) -modfile=scripts/actionlint/go.mod -o $@ github.com/rhysd/actionlint/cmd/actionlint

.PHONY: tofu
tofu: ## Build OpenTofu and the provider for the profile terraform from their Go modules (minutes)
	@mkdir -p bin/tofu
	cd framework/terraform/tofu && $(GO_BUILD) -o ../../../bin/tofu/tofu github.com/opentofu/opentofu/cmd/tofu
	cd framework/terraform/provider && $(GO_BUILD) -o ../../../bin/tofu/terraform-provider-yandex .
	@host=$$(bin/tofu/tofu -chdir=manifests/terraform providers | sed -n 's/.*provider\[\([^/]*\)\/.*/\1/p' | head -1); \
	version=$$(cd framework/terraform/provider && go list -m -f '{{.Version}}' github.com/yandex-cloud/terraform-provider-yandex); \
	dir=bin/tofu/mirror/$$host/yandex-cloud/yandex/$${version#v}/$$(go env GOOS)_$$(go env GOARCH); \
	mkdir -p $$dir && ln -sf $(CURDIR)/bin/tofu/terraform-provider-yandex $$dir/terraform-provider-yandex_$$version
	@printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' $(CURDIR)/bin/tofu/mirror > bin/tofu/tofu.tfrc

.PHONY: bugs
bugs: build ## Prove that the checks catch every bug of the mock: ARGS='--bug=Jwks*' for some
	@bin/wlif bugs $(ARGS)

.PHONY: bugs-full
bugs-full: build ## The same with the whole profile full for each bug
	@bin/wlif bugs --full $(ARGS)

.PHONY: crash
crash: build ## Prove that runs which are killed leave nothing behind: ARGS=--sample=10 for some
	@bin/wlif crash $(ARGS)

.PHONY: faults
faults: build ## See what a run makes of faults of the cloud and of the disk: ARGS='--fault=internal-*' for some
	@bin/wlif faults $(ARGS)

.PHONY: nightly
nightly: ## Run what is slow: all minors, race detector, fuzzers, critical path; PARTS="kind fuzz" some of it
	@scripts/nightly

.PHONY: mock
mock: build ## Run the mock cloud alone, until Ctrl-C
	@bin/wlif mock $(ARGS)

.PHONY: docker
docker: ## Start a Docker daemon where none answers (Debian, root); kind clusters need one
	@scripts/docker start

.PHONY: docker-stop
docker-stop: ## End the Docker daemon that `make docker` started
	@scripts/docker stop

# Debian's packages are installed while the project is compiled.
ifeq ($(MAKECMDGOALS),docker node-image)
MAKEFLAGS += --jobs=2
node-image: | docker
endif

.PHONY: node-image
node-image: build ## Get the images of kind clusters: K8S_VERSION=1.36; pulled, or built without a registry
	@bin/wlif node-image $(if $(K8S_VERSION),--k8s-version=$(K8S_VERSION))

.PHONY: image
image: build ## Make the container image wlif of what is built here; docker build makes one without a Go toolchain
	@scripts/image

.PHONY: incluster
incluster: image ## Run the image as the Job of manifests/job in a kind cluster of the mock cloud
	@scripts/incluster

.PHONY: doctor
doctor: build ## Say what is missing, before anything is created
	@bin/wlif doctor $(RUN_FLAGS)

.PHONY: sweep
sweep: build ## Delete what killed runs left behind
	@bin/wlif sweep $(ARGS)

.PHONY: catalogue
catalogue: ## Write the pages of the requirements and of the bugs again
	@go test -count=1 -run '^TestPage' ./framework/conformance ./framework/killmatrix -update

.PHONY: clean
clean: ## Remove what was built and the reports of runs
	rm -rf bin reports/runs

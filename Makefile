# The two commands: `make demo` shows ebbgate stop a flood, `make test` runs every test.
# Both want root, and work in network namespaces of their own. The demo touches nothing else. The tests
# install Debian packages they lack (scripts/tools), boot machines in control groups of their own,
# which go with them, and keep those machines' root file systems in bin/.

GO      ?= go
# nft lives in /usr/sbin, which the PATH of an ordinary login lacks.
export PATH := $(PATH):/usr/sbin:/sbin
LDFLAGS  = -s -w -X main.version=$(VERSION)
# No path and no state of the checkout in the program: the version says which commit it is.
BUILD    = $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'

.PHONY: all build demo test bench compare rates kills soak fairness test-kernels vet lint fuzz pictures tools clean

# As usual: make && sudo make install
all: build stage

build:
	CGO_ENABLED=0 $(BUILD) -o bin/ebbgate ./cmd/ebbgate

# One of the six kinds: make demo ATTACK=churn. With STAY=1 it goes on until Ctrl-C, to try things out.
ATTACK ?= connection-flood
demo: build
	./bin/ebbgate demo --attack $(ATTACK) $(if $(STAY),--stay)

# The race detector needs a C compiler; the kernel tests look with nft and ss.
test: tools vet
	# The longest first: the others run beside it. Its tests mostly wait, three at once.
	CGO_ENABLED=1 $(GO) test -race -parallel 3 -timeout 18m ./internal/e2e ./internal/installed ./...
	# The random worlds of policy are fewer under the race detector.
	$(GO) test -timeout 10m ./policy
	$(GO) test -tags oldkernel -timeout 10m ./enforcer
	$(GO) test -tags oldkernel -timeout 10m -run '$(OLD)' ./internal/e2e

# What is tested a second time with a program that takes the kernel for an old one: in enforcer
# everything, of the whole program this.
OLD = TestFloodIsStopped|TestRestartLimitsAgain|TestBesideAFirewall|TestProxyUnderASpoofedFlood

# Up to SOCKETS real TCP sockets: a million take about 4 GB for a minute. Where they would take
# more than half of the memory available there are fewer, and a line says so.
SOCKETS ?= 1000000
bench:
	EBBGATE_SOCKETS=$(SOCKETS) $(GO) test -run '^$$' -bench . -benchmem -timeout 30m ./...

# Every kind of attack against no defence, static rules and ebbgate, a quarter of a minute each:
# make compare KIND=churn DEFENCE=static, make compare ROUNDS=3 JSON=1
KIND     ?=
DEFENCE  ?=
ROUNDS   ?= 1
PATIENCE ?= 15s
compare: build
	$(GO) build -o bin/compare ./internal/compare/cmd
	./bin/compare -kind='$(KIND)' -defence='$(DEFENCE)' -rounds=$(ROUNDS) -patience=$(PATIENCE) $(if $(JSON),-json)

# Packets a second through ebbgate's rules.
rates:
	$(GO) build -o bin/compare ./internal/compare/cmd
	./bin/compare -rates -rounds=$(ROUNDS) $(if $(JSON),-json)

# The daemon killed at KILLS random moments, in six laboratories at once. SEED=N repeats a run's choices.
KILLS ?= 500
SEED  ?=
kills:
	EBBGATE_KILLS=$(KILLS) EBBGATE_SEED=$(SEED) $(GO) test -v -timeout 3h -parallel 6 -run '^TestKilledAnywhere$$' ./internal/e2e

# Changing attacks, reloads, flushes by others and restarts for a long time; SAMPLES is a directory for what
# was sampled, in JSON. In the end the daemon must not have grown.
SOAK    ?= 1h
SAMPLES ?=
soak:
	EBBGATE_SOAK=$(SOAK) EBBGATE_SOAK_SAMPLES=$(abspath $(SAMPLES)) EBBGATE_SEED=$(SEED) $(GO) test -v -timeout 0 -parallel 2 -run '^TestSoak$$' ./internal/e2e

# How those fare who behave, in each kind of attack.
FAIRNESS ?= 30s
fairness:
	EBBGATE_FAIRNESS=$(FAIRNESS) $(GO) test -v -timeout 30m -parallel 1 -run '^TestFairness$$' ./internal/e2e

# What of the tests asks the kernel, under Debian's 5.10, 6.1 and 6.12 in emulated machines: hours, on one core.
# make test-kernels KERNEL=5.10 RUN='TestFlood|TestRestart' PACKAGES=./internal/e2e
KERNEL   ?= 5.10 6.1 6.12
PACKAGES ?=
RUN      ?=
test-kernels:
	GO=$(GO) KERNEL='$(KERNEL)' PACKAGES='$(PACKAGES)' RUN='$(RUN)' ./scripts/test-kernels

vet:
	@files=$$(gofmt -l .); test -z "$$files" || { echo "not as gofmt writes it: $$files" >&2; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags manual ./cmd/ebbgate

# No part of the test: on a machine that never did it, it takes minutes of CPU. The last step needs the network,
# and fails without it: make lint VULNDB=none leaves it out, VULNDB=file:///DIR takes a copy of the database.
VULNDB ?=
lint: vet
	$(GO) run $(STATICCHECK) ./...
	$(GO) run $(STATICCHECK) -tags manual ./cmd/ebbgate
	@GO='$(GO)' GOVULNCHECK=$(GOVULNCHECK) VULNDB='$(VULNDB)' ./scripts/vulnerabilities
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK ?= golang.org/x/vuln/cmd/govulncheck@v1.9.0

# Each decoder for a while: make fuzz FUZZTIME=10m
FUZZTIME ?= 30s
fuzz:
	GO=$(GO) FUZZTIME=$(FUZZTIME) ./scripts/fuzz

# The pictures of docs/, of real attacks: it takes two minutes, and chromium.
pictures:
	GO=$(GO) ./scripts/pictures

tools:
	./scripts/tools

clean:
	rm -rf bin

include packaging/package.mk

# The two commands: `make demo` shows ebbgate stop a flood, `make test` runs every test.
# Both want root: they build network namespaces of their own and touch nothing else.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
# nft lives in /usr/sbin, which the PATH of an ordinary login lacks.
export PATH := $(PATH):/usr/sbin:/sbin
LDFLAGS := -s -w -X main.version=$(VERSION)

.PHONY: build demo test bench lint fuzz tools clean

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ebbgate ./cmd/ebbgate

# One of the six kinds: make demo ATTACK=churn
ATTACK ?= connection-flood
demo: build
	./bin/ebbgate demo --attack $(ATTACK)

# The race detector needs a C compiler; the kernel tests look with nft and ss.
test: tools
	$(GO) vet ./...
	CGO_ENABLED=1 $(GO) test -race -timeout 20m ./...

# Up to SOCKETS real TCP sockets: a million take about 4 GB for a minute. Where they would take
# more than half of the memory available there are fewer, and a line says so.
SOCKETS ?= 1000000
bench:
	EBBGATE_SOCKETS=$(SOCKETS) $(GO) test -run '^$$' -bench . -benchmem -timeout 30m ./...

lint:
	test -z "$$(gofmt -l .)"
	$(GO) vet ./...
	$(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

# Each decoder for a while: make fuzz FUZZTIME=10m
FUZZTIME ?= 30s
fuzz:
	GO=$(GO) FUZZTIME=$(FUZZTIME) ./scripts/fuzz

tools:
	./scripts/tools

clean:
	rm -rf bin

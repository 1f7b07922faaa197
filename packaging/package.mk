# The Debian package and the installation without it. They hold the same files: `make deb` packs
# the tree that packaging/install makes.

DEB_VERSION ?= $(shell packaging/version)
DEB_ARCH    ?= amd64 arm64
DEB_DIR     ?= bin
# What `ebbgate version` says is the Debian version without the package's own revision.
VERSION     ?= $(shell echo '$(DEB_VERSION)' | sed 's/-[^-]*$$//')
# The one time that goes into a package, so that the same commit gives the same bytes.
SOURCE_DATE_EPOCH ?= $(shell packaging/version --epoch)
export SOURCE_DATE_EPOCH
# Run and not required: its many dependencies stay out of go.mod.
NFPM ?= github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.0
# What lies between source and package, so that makes with different DEB_DIR can run at once.
PARTS = $(DEB_DIR)/package

.PHONY: deb install manual $(DEB_ARCH:%=deb-%)

# Manual pages, completions and the policy as it is installed. The generator runs here, whatever
# the program is built for.
manual:
	rm -rf '$(PARTS)/manual'
	GOOS= GOARCH= $(GO) run -tags manual -ldflags '$(LDFLAGS)' ./cmd/ebbgate '$(PARTS)/manual'

install: manual
	CGO_ENABLED=0 $(BUILD) -o '$(PARTS)/ebbgate' ./cmd/ebbgate
	packaging/install '$(DESTDIR)' '$(PARTS)/ebbgate' '$(PARTS)/manual' '$(DEB_VERSION)'

deb: $(DEB_ARCH:%=deb-%)

$(DEB_ARCH:%=deb-%): deb-%: manual
	rm -rf '$(PARTS)/$*'
	CGO_ENABLED=0 GOOS=linux GOARCH=$* $(BUILD) -o '$(PARTS)/$*/ebbgate' ./cmd/ebbgate
	packaging/install '$(PARTS)/$*/tree' '$(PARTS)/$*/ebbgate' '$(PARTS)/manual' '$(DEB_VERSION)'
	ARCH=$* TREE='$(PARTS)/$*/tree' DEB_VERSION='$(DEB_VERSION)' $(GO) run $(NFPM) package \
		--packager deb --config packaging/nfpm.yaml --target '$(DEB_DIR)/ebbgate_$(DEB_VERSION)_$*.deb'

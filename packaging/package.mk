# The Debian package and the installation without it. They hold the same files: `make deb` packs and
# `make install` copies a tree that packaging/stage has made.

# What git knows of the checkout: the version and the time of its commit. It is asked once, and only by
# targets that need it; where it fails it has said why, and this is empty.
CHECKOUT = $(eval CHECKOUT := $$(shell packaging/version))$(CHECKOUT)
# A package of another version: make deb DEB_VERSION=1.2.3-1
DEB_VERSION ?= $(word 1,$(CHECKOUT))
# The one time that goes into a package, so that the same commit gives the same bytes.
SOURCE_DATE_EPOCH ?= $(word 2,$(CHECKOUT))
DEB_ARCH    ?= amd64 arm64
DEB_DIR     ?= bin
# What `ebbgate version` says is the Debian version without the package's own revision. Where git does not
# tell, a program can be built and tried, but not packed.
VERSION = $(or $(shell echo '$(DEB_VERSION)' | sed 's/-[^-]*$$//'),devel)
# Run and not required: its many dependencies stay out of go.mod.
NFPM ?= github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.0
# What lies between source and package, so that makes with different DEB_DIR can run at once.
PARTS = $(DEB_DIR)/package
# packaging/stage DIRECTORY PROGRAM MANUAL VERSION
STAGE = SOURCE_DATE_EPOCH='$(SOURCE_DATE_EPOCH)' packaging/stage

.PHONY: deb stage install uninstall manual versioned $(DEB_ARCH:%=deb-%)

versioned:
	@test -n '$(DEB_VERSION)' -a -n '$(SOURCE_DATE_EPOCH)' || { \
		echo 'No version for what is packed (see above): mend it, or say DEB_VERSION= and SOURCE_DATE_EPOCH=' >&2; exit 1; }

# Manual pages, completions and the policy as it is installed. The generator runs here, whatever
# the program is built for; built like the program it has most of its parts in common with it, wherever the checkout is.
manual: versioned
	rm -rf '$(PARTS)/manual'
	SOURCE_DATE_EPOCH='$(SOURCE_DATE_EPOCH)' GOOS= GOARCH= CGO_ENABLED=0 $(GO) run -trimpath -tags manual -ldflags '$(LDFLAGS)' ./cmd/ebbgate '$(PARTS)/manual'

# What `make install` copies. The name it gets at the end says that it is complete.
stage: manual
	rm -rf '$(PARTS)/stage' '$(PARTS)/stage.part'
	CGO_ENABLED=0 $(BUILD) -o '$(PARTS)/ebbgate' ./cmd/ebbgate
	$(STAGE) '$(PARTS)/stage.part' '$(PARTS)/ebbgate' '$(PARTS)/manual' '$(DEB_VERSION)'
	mv '$(PARTS)/stage.part' '$(PARTS)/stage'

# These two build nothing: root, who runs them, may have no Go, and is to own nothing in the checkout.
install:
	packaging/install '$(PARTS)/stage' '$(DESTDIR)'

# A policy that was edited and what was recorded stay: make uninstall PURGE=1 removes them, too.
uninstall:
	packaging/uninstall '$(PARTS)/stage' '$(DESTDIR)' '$(PURGE)'

deb: $(DEB_ARCH:%=deb-%)

# The link is what to install after each make, however many versions lie beside it.
$(DEB_ARCH:%=deb-%): deb-%: manual
	rm -rf '$(PARTS)/$*'
	CGO_ENABLED=0 GOOS=linux GOARCH=$* $(BUILD) -o '$(PARTS)/$*/ebbgate' ./cmd/ebbgate
	$(STAGE) '$(PARTS)/$*/tree' '$(PARTS)/$*/ebbgate' '$(PARTS)/manual' '$(DEB_VERSION)'
	SOURCE_DATE_EPOCH='$(SOURCE_DATE_EPOCH)' ARCH=$* TREE='$(PARTS)/$*/tree' DEB_VERSION='$(DEB_VERSION)' $(GO) run $(NFPM) package \
		--packager deb --config packaging/nfpm.yaml --target '$(DEB_DIR)/ebbgate_$(DEB_VERSION)_$*.deb'
	ln -sf 'ebbgate_$(DEB_VERSION)_$*.deb' '$(DEB_DIR)/ebbgate_$*.deb'

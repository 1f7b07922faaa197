// Package packaging holds what makes the Debian package and `make install`, and writes the texts
// that come with the program: manual pages, composed as Markdown for md2man, and the policy as it is
// installed.
//
// It is text in, text out: it reads and writes no files, and nothing the daemon runs imports it.
// cmd/ebbgate uses it when built with the tag "manual", and puts its commands into pages.
//
// packaging/stage lists the files and makes a tree of them, which nfpm.yaml packs, install copies and
// uninstall removes; postinst, prerm and postrm run on the host where the package comes and goes, version
// says what it is called. The maintainers' address is in the top-level domain that never exists (RFC 2606): a
// package must have one, and the project has none yet.
package packaging

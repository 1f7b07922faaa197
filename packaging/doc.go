// Package packaging holds what makes the Debian package and `make install`, and writes the texts
// that come with the program: manual pages, composed as Markdown for md2man, and the policy as it is
// installed.
//
// It is text in, text out: it reads and writes no files, and nothing the daemon runs imports it.
// cmd/ebbgate uses it when built with the tag "manual", and puts its commands into pages.
//
// packaging/install lists the files, nfpm.yaml packs them, postinst, prerm and postrm run on the
// host where the package comes and goes, version says what it is called.
package packaging

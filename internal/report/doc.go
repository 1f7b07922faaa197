// Package report tells one attack as an HTML page that stands by itself: what happened when, what was done
// about it, and how it went, for whoever has to answer for the service. It needs no script, fetches nothing,
// and its security policy forbids both.
//
// It is pure: what the daemon told goes in, a page comes out. Every text is made visible by escape.Terminal
// and written by html/template, which escapes it for its place; nothing else writes markup.
package report

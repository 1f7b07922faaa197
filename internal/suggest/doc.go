// Package suggest proposes limits for services from what is normal for them: from observations, live
// or recorded, and from what the processes that listen may hold.
//
// It is pure: observations come in as values, and it reads no clock, no file and no kernel. What it
// says is a Proposal, and as TOML a snippet that policy.Parse accepts. What it keeps is bounded (P9):
//
//	sources and prefixes  observe.max_sources over all services, at least minTracked for each, 64
//	                      bytes each; the heaviest are kept. Of the span that is under way only those
//	                      that were there all the time, 32 bytes each
//	services              policy.MaxServices
//	notes                 maxNotes
//
// # Figures
//
// A source sustains the number of connections that it held in every census of a span: at least
// three censuses, and ten seconds unless the whole time was shorter. Spans follow each other, so what
// lasts twice as long is always found. The limit is twice the highest figure, and never so low that a
// source that was ordinary would have reached it for a moment. Sources far beyond all others are named as
// likely proxies and leave the figure alone.
package suggest

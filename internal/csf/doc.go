// Package csf reads the configuration of ConfigServer Security & Firewall (csf and lfd) and makes a policy
// of what in it is about connections. It is pure: files in, a policy out, and a list of what has no
// counterpart. Everything it reads may be hostile: sizes and counts are bounded, and what it writes has
// passed package escape. It enforces nothing, and never asks csf.
package csf

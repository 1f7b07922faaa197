//go:build !manual

// Command ebbgate keeps a Linux server answering while somebody tries to exhaust its connections.
//
// Each subcommand is a file of this package: flags, construct, call. What they construct lives in
// the other packages.
package main

import "os"

func main() { os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr)) }

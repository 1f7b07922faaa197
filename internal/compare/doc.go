// Package compare measures defences against each other, for those who work on ebbgate: `make compare`
// and `make rates`.
//
// Compare plays every kind of attack of the demo against a server with no defence, behind a good static
// nftables ruleset, and behind the real ebbgate, each in a laboratory of its own, and measures what
// clients, server and kernel make of it. Rates measures how many packets a second one core takes through
// ebbgate's rules.
//
// What a packet costs the victim is hard to see between namespaces, where it is received on the sender's
// time. So the victim's links have kernel threads of their own that receive, and its server is a process
// of its own. The victim's CPU is what these and the daemon use: the attackers' and the clients' is not
// in it.
//
// Everything happens in namespaces of internal/lab, which go with the process.
package compare

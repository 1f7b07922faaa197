// Package audit examines how well a host is set up to keep answering when its connections are being
// exhausted, and says what to change, why, where, and how to see that it worked.
//
// It works in three steps that know nothing of each other. Gather reads the host into Facts: the
// files of /proc, the TCP sockets (inet_diag), the processes that listen, the rules that hook the
// packet path, and the sysctl.d files. Examine turns Facts into Findings and is a pure function,
// one small check for each topic. A Report prints them as text or as a sysctl.d file.
//
// Nothing is ever changed: no sysctl is set and no file is written. What cannot be read, because
// this kernel has no such thing or the caller may not see it, is a finding of its own and stops
// no other check.
package audit

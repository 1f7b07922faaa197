// Package login reads who is logged in over ssh, and from which address.
//
// It believes root's own records only: those of systemd-logind in /run/systemd/sessions, or, on a host
// without that directory, utmp(5); and /etc/passwd and /etc/group for what a user may do. It resolves
// no name, asks no service and opens no socket. A TCP connection to sshd leaves no trace in any of these,
// and a host name in a record is a string that strangers choose (the owner of an address decides what it
// resolves to): neither makes an address appear here. What a record holds beyond what is expected makes
// it be passed over.
//
// It reads at most maxRecords records of 64 KiB, 1 MiB of utmp, passwd and group each, and returns at
// most MaxSessions. Users who are in neither file (of LDAP, of systemd-homed) belong to no group here.
package login

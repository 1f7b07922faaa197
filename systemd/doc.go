// Package systemd speaks to the service manager and its journal, and holds the files that make
// ebbgate a service.
//
// It reads the environment that systemd sets (sd_notify(3), sd_watchdog_enabled(3), JOURNAL_STREAM
// of systemd.exec(5)) and writes to the sockets named there. Without them everything here is a
// no-op or plain text on stderr, so that the daemon runs the same without systemd.
//
// ebbgate.service is the unit, ebbgate.sysusers makes the user it runs as and the group that may
// read the control socket (sysusers.d(5)), ebbgate.tmpfiles lets that user read the policy
// (tmpfiles.d(5)). packaging/stage puts them where they belong. Each *.conf is a drop-in for the unit
// (systemd.unit(5)) that an administrator may take: what not every host wants, or systemd 252 does not
// know. docs/systemd.md tells what each line is for.
package systemd

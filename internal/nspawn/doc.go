// Package nspawn gives tests a machine to install things on: a real systemd as PID 1 of a throw-away
// container (systemd-nspawn), with dpkg, apt, a journal and D-Bus, in a network namespace of the laboratory.
//
//	l := nstest.Lab(t)
//	m := nspawn.Boot(t, nspawn.Bookworm, l.Victim)
//	m.Run(t, "systemctl", "start", "something.service")
//
// It is imported by tests only. The machine this runs on needs root, mmdebstrap and systemd-container; its
// own PID 1 need not be systemd, and its control groups may be of version 1 as long as version 2 is mounted
// somewhere. What is mounted is mounted in mount namespaces of its own. A machine ends with the process that
// booted it, in whatever way that ends. What a run that was killed leaves are control groups and a directory
// of temporary files; the next run removes both, with whatever still runs there. It knows them by the lock that
// the kernel has released.
//
// The root file system of a suite is made once, from the archive the machine's own apt uses, which takes
// about half a minute and 200 MB, and is kept as a tar file in the checkout's bin/. Each machine unpacks
// one of its own. What is done before a machine boots is written there; from its boot on, all changes are in
// memory. Both go with the machine.
//
// What a machine cannot show: control groups have those controllers only that the host has left for version
// 2, so limits on memory and tasks may have no effect; limits above the host's own (LimitNOFILE=,
// OOMScoreAdjust=) are cut without a word; the kernel is the host's, and no module can be loaded.
package nspawn

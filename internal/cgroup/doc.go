// Package cgroup names the units of the service manager that control groups stand for: it finds the
// path of a group by its id, and the unit in a path.
//
// It reads directories of one cgroup2 mount (cgroups(7)) and nothing else: no file, no clock, no
// goroutine. It asks for no privilege, which is why it walks the directories instead of opening a
// group by its handle. A walk goes on from call to call, a few directories at a time, and ends at
// maxDirectories; ids and paths are kept up to maxKnown.
package cgroup

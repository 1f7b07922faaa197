// Package installed tests the Debian package as its users meet it: installed by apt on a machine whose PID 1
// is a real systemd, attacked over the network, upgraded, killed, hung, restarted, stopped and purged.
//
// There are tests only, and the server they attack (shop). The package is what `make deb` builds, twice, as
// two versions. The machines are those of internal/nspawn, the network and the attackers those of
// internal/lab. The daemon runs as its unit says, as its own user in its own sandbox. What it does is asked
// of systemctl, journalctl, nft and the kernel's sockets, which share no code with it, and of its own
// command.
//
// They need root, skip only where that is refused, and fail instead with CI set in the environment. They
// leave nothing behind but the root file systems in bin/.
package installed

package nspawn

// Suite is a release of Debian.
type Suite string

// The oldest systemd that is served, and the newest one in a release.
const (
	Bookworm Suite = "bookworm" // systemd 252
	Trixie   Suite = "trixie"   // systemd 257
)

// recipe is how mmdebstrap makes a root file system: what is essential, apt, what a server has that is run
// by systemd and has nftables, and without what nobody reads here.
func recipe() []string {
	return []string{"--mode=root", "--variant=apt", "--format=tar",
		"--include=systemd,systemd-sysv,dbus,libnss-systemd,nftables,iproute2,procps",
		`--customize-hook=rm -rf "$1"/usr/share/doc/* "$1"/usr/share/man/* "$1"/usr/share/locale/*`}
}

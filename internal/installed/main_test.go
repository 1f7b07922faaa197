package installed

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"ebbgate/internal/nstest"
)

// The versions of the two packages, as Debian counts them.
const (
	older = "0.1.0-1"
	newer = "0.2.0-1"
	// epoch is their time. With a version it spares git, which does not look at the checkouts of others.
	epoch = "SOURCE_DATE_EPOCH=1700000000"
)

// built is a directory for what build makes, which goes with the process.
var built string

func TestMain(m *testing.M) {
	var err error
	if built, err = os.MkdirTemp("", "ebbgate-installed-"); err != nil {
		fmt.Fprintln(os.Stderr, "make directory for packages:", err)
		os.Exit(1)
	}
	overlap()
	status := m.Run()
	if err := os.RemoveAll(built); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// overlap has more tests run at once than there are processors, unless the command line says how many:
// machines are mostly waited for.
func overlap() {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if !said {
		if err := flag.Set("test.parallel", strconv.Itoa(max(4, runtime.GOMAXPROCS(0)))); err != nil {
			panic(err)
		}
	}
}

// build makes both packages and the server, once, when they are first needed.
var build = sync.OnceValue(func() error {
	var errs []error
	for _, version := range []string{older, newer} {
		cmd := exec.Command("make", "-C", "../..", "deb")
		cmd.Env = nstest.MakeEnviron("DEB_VERSION="+version, epoch, "DEB_ARCH="+runtime.GOARCH, "DEB_DIR="+built)
		if out, err := cmd.CombinedOutput(); err != nil {
			errs = append(errs, fmt.Errorf("make deb: %w\n%s", err, out))
		}
	}
	shop := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(built, "shop"), "./shop")
	// Without C, it runs whatever C library the machine has.
	shop.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := shop.CombinedOutput(); err != nil {
		errs = append(errs, fmt.Errorf("build the server: %w\n%s", err, out))
	}
	return errors.Join(errs...)
})

// made returns the path of what build makes.
func made(t *testing.T, name string) string {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(built, name)
}

// deb returns the path of the package of a version.
func deb(t *testing.T, version string) string {
	t.Helper()
	return made(t, fmt.Sprintf("ebbgate_%s_%s.deb", version, runtime.GOARCH))
}

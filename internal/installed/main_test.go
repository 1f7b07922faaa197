package installed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// The versions of the two packages, as Debian counts them.
const (
	older = "0.1.0-1"
	newer = "0.2.0-1"
)

// built is the directory with what the tests put on their machines.
var built string

func TestMain(m *testing.M) {
	status := 1
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		status = m.Run()
	}
	if err := os.RemoveAll(built); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// build makes both packages and the server.
func build() (err error) {
	if built, err = os.MkdirTemp("", "ebbgate-installed-"); err != nil {
		return fmt.Errorf("make directory for packages: %w", err)
	}
	var errs []error
	for _, version := range []string{older, newer} {
		cmd := exec.Command("make", "-C", "../..", "deb")
		cmd.Env = makeEnvironment("DEB_VERSION="+version, "DEB_ARCH="+runtime.GOARCH, "DEB_DIR="+built)
		if out, err := cmd.CombinedOutput(); err != nil {
			errs = append(errs, fmt.Errorf("make deb: %w\n%s", err, out))
		}
	}
	shop := exec.Command("go", "build", "-o", filepath.Join(built, "shop"), "./shop")
	// Without C, it runs whatever C library the machine has.
	shop.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := shop.CombinedOutput(); err != nil {
		errs = append(errs, fmt.Errorf("build the server: %w\n%s", err, out))
	}
	return errors.Join(errs...)
}

// makeEnvironment is what make is to find: nothing of a make that runs these tests, and these settings.
func makeEnvironment(settings ...string) []string {
	inherited := slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "MAKE") || strings.HasPrefix(s, "MFLAGS=") || strings.HasPrefix(s, "DEB_")
	})
	return append(inherited, settings...)
}

// deb returns the path of the package of a version.
func deb(version string) string {
	return filepath.Join(built, fmt.Sprintf("ebbgate_%s_%s.deb", version, runtime.GOARCH))
}

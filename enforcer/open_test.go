package enforcer

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

func TestExplainNamesTheMissingFeature(t *testing.T) {
	tests := []struct {
		err  error
		want bool
	}{
		{unix.EINVAL, true}, {unix.EPROTONOSUPPORT, true}, {unix.EOPNOTSUPP, true},
		{unix.EPERM, false}, {unix.ENOBUFS, false}, {ErrTableHeld, false},
	}
	for _, tt := range tests {
		err := explain(fmt.Errorf("list tables: %w", tt.err))
		if errors.Is(err, ErrNoNFTables) != tt.want {
			t.Errorf("%v: explained as missing nf_tables: %t, want %t", tt.err, !tt.want, tt.want)
		}
		if !errors.Is(err, tt.err) {
			t.Errorf("%v is lost: %v", tt.err, err)
		}
	}
}

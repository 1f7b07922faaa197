package lab

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	// spareFiles is left for everything that is not a held connection.
	spareFiles = 2000
	// mostFiles bounds the memory of a laboratory where RLIMIT_NOFILE does not.
	mostFiles = 100_000
)

// fileBudget shares out the file descriptors of the process among the components of a Lab, so that
// a too large experiment is refused at its start instead of failing oddly in its middle.
type fileBudget struct {
	limit uint64 // RLIMIT_NOFILE, for the message

	mu    sync.Mutex
	total int
	taken int
}

// newFileBudget reads RLIMIT_NOFILE. The Go runtime has raised the soft limit to the hard one.
func newFileBudget() (*fileBudget, error) {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return nil, fmt.Errorf("read the limit of open files: %w", err)
	}
	spare := min(uint64(spareFiles), r.Cur/2)
	return &fileBudget{limit: r.Cur, total: int(min(r.Cur-spare, mostFiles))}, nil
}

// take reserves n descriptors until the returned function is called.
func (b *fileBudget) take(n int, what string) (release func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if free := b.total - b.taken; n > free {
		return nil, fmt.Errorf("%s: %d connections asked for, %d are possible: this process may open %d files "+
			"(RLIMIT_NOFILE), of which the laboratory uses at most %d and has promised %d",
			what, n, free, b.limit, b.total, b.taken)
	}
	b.taken += n
	return sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.taken -= n
	}), nil
}

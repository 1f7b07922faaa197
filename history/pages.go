package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The form of a file of bbolt, version 2 (go.etcd.io/bbolt/internal/common: page.go, meta.go, bucket.go).
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageBranch   = 0x01
	pageLeaf     = 0x02
	pageFreelist = 0x10

	headSize    = 16 // of a page, and of each of its elements
	metaSize    = 64
	bucketValue = 16 // root page and sequence
	bucketFlag  = 0x01
	maxPages    = maxFile / 1024
	maxOverflow = 4096 // pages one value may go on for
)

// errDamaged is matched by what cannot be a database of ours.
var errDamaged = errors.New("it is damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errDamaged, fmt.Sprintf(format, args...))
}

// inspect follows every page that can be reached in a database and the list of those that are free, before
// the database is mapped: the library follows a page to wherever it leads, without an end where it leads
// in a circle, and writes over a page that is in use where the list says that it is free.
func inspect(f io.ReaderAt, size int64) error {
	m, err := readMeta(f, size)
	if err != nil {
		return err
	}
	w := walker{file: f, meta: m, used: make([]bool, m.high)}
	w.used[0], w.used[1] = true, true
	if err := w.tree(m.root, true, 0); err != nil {
		return err
	}
	return w.free()
}

// meta is what a meta page says.
type meta struct{ size, root, freelist, high, tx uint64 }

// readMeta returns the newest meta page that is whole.
func readMeta(f io.ReaderAt, size int64) (best meta, err error) {
	// The second one lies a page after the first, whose size it does not say if it is the first that is torn.
	found := false
	for _, at := range []int64{0, 1 << 10, 1 << 12, 1 << 13, 1 << 14, 1 << 15, 1 << 16} {
		b := make([]byte, headSize+metaSize)
		if _, err := f.ReadAt(b, at); err != nil {
			continue
		}
		m, ok := parseMeta(b[headSize:])
		if ok && (at == 0 || uint64(at) == m.size) && (!found || m.tx > best.tx) {
			best, found = m, true
		}
	}
	switch {
	case !found:
		return best, damaged("neither of its first two pages is whole")
	case best.high < 3 || best.high > maxPages || best.high*best.size > uint64(size):
		return best, damaged("it has %d bytes, and %d pages of %d", size, best.high, best.size)
	}
	return best, nil
}

func parseMeta(b []byte) (meta, bool) {
	e := binary.NativeEndian
	sum := fnv.New64a()
	_, _ = sum.Write(b[:metaSize-8])
	size := e.Uint32(b[8:])
	ok := e.Uint32(b) == boltMagic && e.Uint32(b[4:]) == boltVersion && e.Uint64(b[metaSize-8:]) == sum.Sum64() &&
		size >= 1024 && size <= 65536 && size&(size-1) == 0
	return meta{size: uint64(size), root: e.Uint64(b[16:]), freelist: e.Uint64(b[32:]), high: e.Uint64(b[40:]), tx: e.Uint64(b[48:])}, ok
}

// walker visits each page once.
type walker struct {
	file io.ReaderAt
	meta meta
	used []bool
}

// take reads a page, which must not have been visited, and all it goes on for.
func (w *walker) take(id uint64) ([]byte, error) {
	e := binary.NativeEndian
	head := make([]byte, headSize)
	if id < 2 || id >= w.meta.high {
		return nil, damaged("page %d of %d", id, w.meta.high)
	}
	if _, err := w.file.ReadAt(head, int64(id*w.meta.size)); err != nil {
		return nil, fmt.Errorf("read page %d: %w", id, err)
	}
	more := uint64(e.Uint32(head[12:]))
	if e.Uint64(head) != id || more > maxOverflow || id+more >= w.meta.high {
		return nil, damaged("the head of page %d", id)
	}
	for i := id; i <= id+more; i++ {
		if w.used[i] {
			return nil, damaged("page %d is used twice", i)
		}
		w.used[i] = true
	}
	page := make([]byte, (more+1)*w.meta.size)
	if _, err := w.file.ReadAt(page, int64(id*w.meta.size)); err != nil {
		return nil, fmt.Errorf("read page %d: %w", id, err)
	}
	return page, nil
}

// maxDepth is deeper than a tree of maxPages pages gets, which has two branches at least at each level.
const maxDepth = 32

// tree visits the pages of one bucket, and of those in it if it is the one that holds all others.
func (w *walker) tree(id uint64, top bool, depth int) error {
	if depth > maxDepth {
		return damaged("it is too deep")
	}
	page, err := w.take(id)
	if err != nil {
		return err
	}
	e := binary.NativeEndian
	kind, count := e.Uint16(page[8:]), int(e.Uint16(page[10:]))
	if kind != pageBranch && kind != pageLeaf || headSize*(1+count) > len(page) || kind == pageBranch && count == 0 {
		return damaged("page %d is neither a branch nor a leaf", id)
	}
	for i := range count {
		at := headSize * (1 + i)
		if kind == pageLeaf {
			err = w.leaf(page, at, top, depth)
		} else if span(page, at, e.Uint32(page[at:]), e.Uint32(page[at+4:])) == nil {
			err = damaged("branch %d of page %d", i, id)
		} else {
			err = w.tree(e.Uint64(page[at+8:]), top, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leaf looks at one element of a leaf.
func (w *walker) leaf(page []byte, at int, top bool, depth int) error {
	e := binary.NativeEndian
	flags, pos, keys := e.Uint32(page[at:]), e.Uint32(page[at+4:]), e.Uint32(page[at+8:])
	if span(page, at, pos, keys) == nil || uint64(pos)+uint64(keys) > uint64(len(page)) {
		return damaged("a key is beyond its page")
	}
	value := span(page, at, pos+keys, e.Uint32(page[at+12:]))
	switch {
	case value == nil:
		return damaged("a value is beyond its page")
	case (flags == bucketFlag) != top || flags > bucketFlag:
		return damaged("a bucket where there is none, or none where there is one")
	case !top:
		return nil
	case len(value) < bucketValue:
		return damaged("a bucket without a root")
	}
	if root := e.Uint64(value); root != 0 {
		return w.tree(root, false, depth+1)
	}
	return w.inline(value[bucketValue:])
}

// inline looks at a bucket that is small enough to be stored in its parent.
func (w *walker) inline(page []byte) error {
	if len(page) < headSize {
		return damaged("a small bucket without a page")
	}
	e := binary.NativeEndian
	count := int(e.Uint16(page[10:]))
	if e.Uint16(page[8:]) != pageLeaf || headSize*(1+count) > len(page) {
		return damaged("a small bucket that is no leaf")
	}
	for i := range count {
		if err := w.leaf(page, headSize*(1+i), false, 0); err != nil {
			return err
		}
	}
	return nil
}

// span returns the part of a page that begins so far after an element, or nil if it is not within.
func span(page []byte, at int, pos, long uint32) []byte {
	from := uint64(at) + uint64(pos)
	if to := from + uint64(long); to <= uint64(len(page)) {
		return page[from:to:to]
	}
	return nil
}

// free looks at the list of free pages, none of which may be in use.
func (w *walker) free() error {
	page, err := w.take(w.meta.freelist)
	if err != nil {
		return err
	}
	e := binary.NativeEndian
	count, at := uint64(e.Uint16(page[10:])), uint64(headSize)
	if count == 0xFFFF && len(page) >= headSize+8 {
		count, at = e.Uint64(page[headSize:]), headSize+8
	}
	if e.Uint16(page[8:]) != pageFreelist || count > (uint64(len(page))-at)/8 {
		return damaged("the list of free pages")
	}
	for i := range count {
		id := e.Uint64(page[at+8*i:])
		if id < 2 || id >= w.meta.high || w.used[id] {
			return damaged("page %d is free and in use", id)
		}
		w.used[id] = true
	}
	return nil
}

package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/unix"
)

const (
	// maxFile bounds the file in bytes. What would make it larger is not written.
	maxFile = 1 << 30
	// lockWait is how long another process that has the file open is waited for.
	lockWait = time.Second
	// schema is the version of what the file holds. Another one is not read.
	schema = "1"
)

// The buckets, and the keys in the first.
var (
	bucketMeta    = []byte("meta")
	bucketAttacks = []byte("attacks")
	bucketSeries  = []byte("series")

	keySchema = []byte("schema")
	keyBlocks = []byte("blocks") // the name of the bucket that holds them
	keyRest   = []byte("rest")   // of what is kept
)

// guarded calls f, and makes an error of a panic and of a fault in mapped memory: that is how the library
// meets a damaged file, and a disk that fails below the map.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = damaged("%v", p)
		}
	}()
	return f()
}

// openFile opens the database at a path, and makes it where there is none. One that is damaged is
// set aside, and the error says so beside an empty one. One that can only be read is opened for reading,
// likewise.
func openFile(path string) (db *bolt.DB, notice error, err error) {
	if err := makeDirectory(path); err != nil {
		return nil, nil, err
	}
	err = check(path)
	if errors.Is(err, errDamaged) {
		if notice, err = setAside(path, err); err != nil {
			return nil, nil, err
		}
	}
	if err == nil && !exists(path) {
		err = create(path)
	}
	if err != nil {
		return nil, nil, err
	}
	db, err = mapFile(path, false)
	if errors.Is(err, unix.EROFS) || errors.Is(err, fs.ErrPermission) {
		notice = fmt.Errorf("%w: nothing new is kept; make it writable for the daemon and restart it", err)
		db, err = mapFile(path, true)
	}
	return db, notice, err
}

// makeDirectory makes the directory of a file if the one above it is there.
func makeDirectory(path string) error {
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) && !exists(filepath.Dir(path)) {
		return fmt.Errorf("make the directory of the history: %w", err)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// check looks at a file while nobody writes to it. There may be none.
func check(path string) error {
	// Without O_NONBLOCK the opening of a pipe would wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("open history: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open history: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("open history %q: not a regular file; move it away, or set history.path to another", path)
	}
	if err := lock(f); err != nil {
		return err
	}
	if info, err = f.Stat(); err != nil { // it may have grown until we had it
		return fmt.Errorf("open history: %w", err)
	}
	if info.Size() > maxFile {
		return damaged("it has %d bytes, and never grows beyond %d", info.Size(), maxFile)
	}
	_ = unix.Fadvise(int(f.Fd()), 0, info.Size(), unix.FADV_WILLNEED) // it only helps
	return guarded(func() error { return inspect(f, info.Size()) })
}

// lock keeps others from writing to a file until it is closed; see flock(2).
func lock(f *os.File) error {
	for until := time.Now().Add(lockWait); ; time.Sleep(lockWait / 20) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EWOULDBLOCK):
			return fmt.Errorf("lock history %q: %w", f.Name(), err)
		case time.Now().After(until):
			return lockedError(f.Name())
		}
	}
}

func lockedError(path string) error {
	return fmt.Errorf("open history %q: another process has it open; end that, or set history.path to another file, and restart the daemon", path)
}

// create makes a database, which is there as a whole or not at all.
func create(path string) error {
	draft := path + ".new"
	if err := os.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("make history: %w", err)
	}
	db, err := mapFile(draft, false)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketMeta, bucketAttacks, bucketSeries} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(keySchema, []byte(schema))
	})
	if err = errors.Join(err, db.Close()); err == nil {
		err = os.Rename(draft, path)
	}
	if err != nil {
		return fmt.Errorf("make history: %w", err)
	}
	return nil
}

// mapFile opens a file that was checked.
func mapFile(path string, readOnly bool) (db *bolt.DB, err error) {
	err = guarded(func() (err error) {
		db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: lockWait, ReadOnly: readOnly, PreLoadFreelist: true,
			FreelistType: bolt.FreelistMapType, MaxSize: maxFile})
		return err
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, lockedError(path)
	case err != nil:
		return nil, fmt.Errorf("open history %q: %w", path, err)
	}
	return db, nil
}

// maxAside is how many damaged files are kept; the oldest goes.
const maxAside = 3

// setAside renames a damaged file to .bad-1, the one before it to .bad-2 and so on, and returns what to tell.
func setAside(path string, why error) (notice, err error) {
	for n := maxAside; n > 1; n-- {
		err := os.Rename(fmt.Sprintf("%s.bad-%d", path, n-1), fmt.Sprintf("%s.bad-%d", path, n))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("history %q cannot be used, %w, and not be set aside: %v", path, why, err)
		}
	}
	aside := path + ".bad-1"
	if err := os.Rename(path, aside); err != nil {
		return nil, fmt.Errorf("history %q cannot be used, %w, and not be set aside: %v", path, why, err)
	}
	return fmt.Errorf("history %q cannot be used, %w; it is %q now, and what it held is not restored. Said until the daemon is restarted", path, why, aside), nil
}

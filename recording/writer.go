package recording

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"ebbgate/policy"
)

const (
	// DefaultFileSize is where a file is rotated, in compressed bytes. An entry in peace takes
	// about 200 bytes compressed, so a file holds some hours of a quiet host.
	DefaultFileSize = 64 << 20
	// DefaultFiles is how many files are kept, the one being written included.
	DefaultFiles = 4

	// flushEvery is after how many entries everything is handed to the kernel: what a crash can
	// lose, about ten seconds of ticks.
	flushEvery = 50
)

// Config says what a Writer writes where.
type Config struct {
	Path     string // of the newest file; older ones are PATH.1, PATH.2, ...
	FileSize int64  // compressed bytes after which a file is rotated; 0: DefaultFileSize
	Files    int    // how many files are kept; 0: DefaultFiles
	Version  string
}

// Writer appends to a recording. Its size on disk is bounded by Files times FileSize and one entry;
// the oldest file is removed when another begins. It belongs to one goroutine.
type Writer struct {
	config  Config
	hash    string
	file    *os.File
	counter *counter
	zip     *gzip.Writer
	enc     *json.Encoder
	pending int // entries since the last flush
}

// Create begins a recording. A file that is there already is kept, as the first older one.
func Create(c Config) (*Writer, error) {
	if c.FileSize <= 0 {
		c.FileSize = DefaultFileSize
	}
	if c.Files <= 0 {
		c.Files = DefaultFiles
	}
	w := &Writer{config: c}
	if _, err := os.Lstat(c.Path); err == nil {
		if err := w.shift(); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// Policy tells under which policy file the following entries are decided. Another one begins a
// new file, since a file has one policy.
func (w *Writer) Policy(hash string) error {
	if hash == w.hash {
		return nil
	}
	w.hash = hash
	return w.finish(true)
}

// Write appends one turn: the state before it, what was observed, and what was decided. After an
// error the recording goes on with a new file at the next call, if that can be made.
func (w *Writer) Write(before *policy.State, o *policy.Observation, d *policy.Decision) error {
	if w.file == nil {
		if err := w.begin(before); err != nil {
			return err
		}
	}
	digest, err := Digest(d)
	if err != nil {
		return err
	}
	if err := w.enc.Encode(Entry{Observation: *o, Decision: digest}); err != nil {
		return errors.Join(fmt.Errorf("write recording: %w", err), w.finish(false))
	}
	if w.pending++; w.pending >= flushEvery {
		w.pending = 0
		if err := errors.Join(w.zip.Flush(), w.counter.w.Flush()); err != nil {
			return errors.Join(fmt.Errorf("write recording: %w", err), w.finish(false))
		}
	}
	if w.counter.n >= w.config.FileSize {
		return w.finish(true)
	}
	return nil
}

// Close ends the recording. Nothing may be written afterwards.
func (w *Writer) Close() error { return w.finish(false) }

// begin opens a new file and writes its header.
func (w *Writer) begin(before *policy.State) error {
	f, err := os.OpenFile(w.config.Path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("begin recording: %w", err)
	}
	w.file, w.counter = f, &counter{w: bufio.NewWriter(f)}
	w.zip = gzip.NewWriter(w.counter)
	w.enc = json.NewEncoder(w.zip)
	if err := w.enc.Encode(Header{Schema: Schema, Version: w.config.Version, PolicyHash: w.hash, State: *before}); err != nil {
		return errors.Join(fmt.Errorf("begin recording: %w", err), w.finish(false))
	}
	return nil
}

// finish closes the file, if one is open, and makes room for another if asked to.
func (w *Writer) finish(rotate bool) error {
	if w.file == nil {
		return nil
	}
	err := errors.Join(w.zip.Close(), w.counter.w.Flush(), w.file.Close())
	w.file = nil
	if err != nil {
		err = fmt.Errorf("end recording: %w", err)
	}
	if rotate {
		err = errors.Join(err, w.shift())
	}
	return err
}

// shift renames every file to the next older name; the oldest is overwritten.
func (w *Writer) shift() error {
	for i := w.config.Files - 1; i > 0; i-- {
		from := w.config.Path
		if i > 1 {
			from = fmt.Sprintf("%s.%d", w.config.Path, i-1)
		}
		err := os.Rename(from, fmt.Sprintf("%s.%d", w.config.Path, i))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("rotate recording: %w", err)
		}
	}
	if w.config.Files == 1 {
		if err := os.Remove(w.config.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("rotate recording: %w", err)
		}
	}
	return nil
}

// counter counts the compressed bytes.
type counter struct {
	w *bufio.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

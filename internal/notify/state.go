package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"ebbgate/control"
)

// stateVersion is that of the state file's form.
const stateVersion = 1

// maxState bounds the state file: maxLedger ids of 20 digits fit twice.
const maxState = 64 << 10

// State is what a run remembers for the next one.
type State struct {
	After       uint64       // the last event of those that, with all before it, need not be told
	Told        []uint64     // those after it that need not be told either, in order; at most 1,024
	Unreachable control.Time // since when the daemon is told to be unreachable; zero: it is not
}

func (s *State) equal(o *State) bool {
	return s.After == o.After && slices.Equal(s.Told, o.Told) && s.Unreachable.Equal(o.Unreachable.Time)
}

// stateFile is a State on disk. The ids are text, as a JSON number is exact to 2^53 only.
type stateFile struct {
	Version     int          `json:"version"`
	After       uint64       `json:"after,string"`
	Told        []string     `json:"told"`
	Unreachable control.Time `json:"unreachable"`
}

// decodeState reads a state file strictly: half of one must not pass for a whole one.
func decodeState(b []byte) (*State, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var f stateFile
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("decode: there is more after it")
	}
	if f.Version != stateVersion {
		return nil, fmt.Errorf("version %d: must be %d", f.Version, stateVersion)
	}
	if len(f.Told) > maxLedger {
		return nil, fmt.Errorf("%d ids: must be at most %d", len(f.Told), maxLedger)
	}
	s := &State{After: f.After, Unreachable: f.Unreachable}
	last := f.After
	for _, text := range f.Told {
		id, err := strconv.ParseUint(text, 10, 64)
		if err != nil || id <= last {
			return nil, fmt.Errorf("id %q: must be a number above the one before, %d", text, last)
		}
		s.Told, last = append(s.Told, id), id
	}
	return s, nil
}

// LoadState reads a state file. Where there is none it returns nil and no error: it is the first run.
func LoadState(path string) (*State, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read state: %w", err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	if len(b) > maxState {
		return nil, fmt.Errorf("read state %q: longer than %d bytes", path, maxState)
	}
	s, err := decodeState(b)
	if err != nil {
		return nil, fmt.Errorf("read state %q: %w", path, err)
	}
	return s, nil
}

// SaveState replaces a state file at once: whoever reads it, also after a crash of the host, finds the old
// one or the new one whole. Beside it there is a file of the same name with .new for a moment.
func SaveState(path string, s *State) error {
	f := stateFile{Version: stateVersion, After: s.After, Told: []string{}, Unreachable: s.Unreachable}
	for _, id := range s.Told {
		f.Told = append(f.Told, strconv.FormatUint(id, 10))
	}
	b, err := json.Marshal(&f)
	if err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	next := path + ".new"
	if err := writeSynced(next, append(b, '\n')); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	if err := syncDirectory(filepath.Dir(path)); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	return nil
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

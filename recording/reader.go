package recording

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds one line of a recording: an observation with 100,000 sources takes about 7 MB.
const maxLine = 256 << 20

// ErrTruncated says that a recording ends in the middle, as after a crash or while it is still
// being written. What came before is whole.
var ErrTruncated = errors.New("the recording ends in the middle")

// Reader reads one file of a recording.
type Reader struct {
	Header Header
	lines  *bufio.Reader
	line   int
}

// NewReader reads the header. It refuses what is not a recording, and a Schema it does not know.
func NewReader(r io.Reader) (*Reader, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("read recording: not a recording of ebbgate: %w", err)
	}
	rd := &Reader{lines: bufio.NewReader(z)}
	line, err := rd.next()
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	if err := strict(line, &rd.Header); err != nil || rd.Header.Schema == 0 {
		return nil, errors.New("read recording: not a recording of ebbgate: its first line is no header")
	}
	if rd.Header.Schema != Schema {
		return nil, fmt.Errorf("read recording: it has format %d, written by ebbgate %q; this version reads format %d",
			rd.Header.Schema, rd.Header.Version, Schema)
	}
	return rd, nil
}

// Next returns the next entry, io.EOF after the last one, and ErrTruncated where the recording
// breaks off.
func (r *Reader) Next() (Entry, error) {
	var e Entry
	line, err := r.next()
	if err != nil {
		return e, err
	}
	if err := strict(line, &e); err != nil {
		return e, fmt.Errorf("read recording: line %d: %w", r.line, err)
	}
	return e, nil
}

// next returns one line without its newline.
func (r *Reader) next() ([]byte, error) {
	var line []byte
	for {
		part, err := r.lines.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			r.line++
			return bytes.TrimSuffix(line, []byte("\n")), nil
		case errors.Is(err, bufio.ErrBufferFull) && len(line) <= maxLine:
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("line %d is longer than %d bytes", r.line+1, maxLine)
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, fmt.Errorf("line %d: %w", r.line+1, ErrTruncated)
		default:
			return nil, fmt.Errorf("line %d: %w", r.line+1, err)
		}
	}
}

// strict decodes a line and refuses fields it does not know: they would be evidence that is
// silently left out.
func strict(line []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

package control

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxBody bounds the body of a request.
const maxBody = 4 << 10

// decodeBody reads one JSON object of at most maxBody bytes into the fields it may have. Anything
// else is refused: an unknown field, one that comes twice, another case of its name, null, or more
// after the object. What was not understood must not be carried out in part.
func decodeBody(r io.Reader, fields map[string]any) *Error {
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	switch {
	case err != nil:
		return invalid("read body: %v", err)
	case len(body) > maxBody:
		return &Error{Kind: KindTooLarge, Message: fmt.Sprintf("the body has more than %d bytes", maxBody)}
	case !utf8.Valid(body):
		return invalid("the body is not UTF-8")
	}
	if err := decodeObject(body, fields); err != nil {
		return invalid("%v", err)
	}
	return nil
}

// decodeNothing wants no body, or one without anything in it.
func decodeNothing(r io.Reader) *Error {
	body := bufio.NewReader(r)
	if _, err := body.Peek(1); errors.Is(err, io.EOF) {
		return nil
	}
	return decodeBody(body, nil)
}

func decodeObject(body []byte, fields map[string]any) error {
	allowed := cmp.Or(strings.Join(slices.Sorted(maps.Keys(fields)), ", "), "nothing in it")
	dec := json.NewDecoder(bytes.NewReader(body))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return fmt.Errorf("the body must be one JSON object with %s", allowed)
	}
	seen := make(map[string]bool)
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return fmt.Errorf("decode body: %w", err)
		}
		name, _ := key.(string)
		field, known := fields[name]
		switch {
		case !known:
			return fmt.Errorf("unknown field %q; there are %s", clip(name), allowed)
		case seen[name]:
			return fmt.Errorf("field %q comes twice", name)
		}
		seen[name] = true
		if err := decodeField(dec, name, field); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("decode body: %w", noEOF(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("decode body: more follows the object")
	}
	return nil
}

func decodeField(dec *json.Decoder, name string, field any) error {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return fmt.Errorf("%s: %w", name, noEOF(err))
	}
	if string(raw) == "null" {
		return fmt.Errorf("%s: null; leave the field out instead", name)
	}
	if err := json.Unmarshal(raw, field); err != nil {
		want := "a string"
		if _, ok := field.(*Duration); ok {
			want = "a number of seconds"
		}
		return fmt.Errorf("%s: %s is not %s", name, clip(string(raw)), want)
	}
	return nil
}

// noEOF says that the body is cut off.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

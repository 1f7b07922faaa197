package main

import (
	"encoding/json"
	"fmt"
	"io"

	"ebbgate/internal/escape"
)

// writeJSON writes v as indented JSON with a final newline, which a terminal can show.
func writeJSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	return writeJSONText(w, text, err)
}

// writeJSONLine writes v as JSON on one line, which a terminal can show, for what comes one after another.
func writeJSONLine(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	return writeJSONText(w, text, err)
}

// writeJSONText writes what was made of a value, if it could be.
func writeJSONText(w io.Writer, text []byte, err error) error {
	if err == nil {
		_, err = w.Write(append(escape.JSON(text), '\n'))
	}
	if err != nil {
		return exitWith(exitRuntime, fmt.Errorf("write JSON: %w", err))
	}
	return nil
}

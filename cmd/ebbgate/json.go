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
	if err == nil {
		_, err = w.Write(append(escape.JSON(text), '\n'))
	}
	if err != nil {
		return exitWith(exitRuntime, fmt.Errorf("write JSON: %w", err))
	}
	return nil
}

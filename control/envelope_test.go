package control

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestDecodeAnswer(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		text     string // of the ruleset
		err      string // part of the error
	}{
		{"result", `{"result":{"text":"table","would":""}}`, "table", ""},
		{"field of a newer daemon", `{"result":{"text":"table","more":[1]},"took":3}`, "table", ""},
		{"space after it", `{"result":{"text":"table"}}` + "\n ", "table", ""},
		{"error", `{"error":{"kind":"starting","message":"soon"}}`, "", "soon"},
		{"error for terminals", `{"error":{"kind":"x","message":"a\u001b[2Jb"}}`, "", `a\x1b[2Jb`},
		{"both", `{"result":{},"error":{"kind":"x","message":"y"}}`, "", "exactly one"},
		{"neither", `{}`, "", "exactly one"},
		{"null", `null`, "", "exactly one"},
		{"two objects", `{"result":{"text":"a"}}{"result":{"text":"b"}}`, "", "more follows"},
		{"not an object", `[]`, "", "decode answer"},
		{"cut off", `{"result":{"te`, "", "unexpected EOF"},
		{"HTML", `<html>`, "", "decode answer"},
		{"empty", ``, "", "EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := decodeAnswer[Ruleset](strings.NewReader(tt.in), maxAnswer)
			if tt.err == "" {
				if err != nil || got.Text != tt.text {
					t.Errorf("got %v, %v; want text %q", got, err, tt.text)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got error %v, want one with %q", err, tt.err)
			}
		})
	}
}

// spaces is an endless answer that never becomes wrong JSON.
type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestDecodeAnswerIsBounded(t *testing.T) {
	_, err := decodeAnswer[Ruleset](io.MultiReader(strings.NewReader(`{"result":{"text":"`), spaces{}), 1<<20)
	if err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("got %v, want an error about the length", err)
	}
}

func TestErrorKinds(t *testing.T) {
	for kind, status := range map[Kind]int{
		KindInvalid: 400, KindFull: 409, KindTooLarge: 413, KindBusy: 503, KindTimeout: 504,
		KindForbidden: 403, KindNotFound: 404, KindMethod: 405, KindInternal: 500, KindStarting: 503, "of the future": 500,
	} {
		if got := kind.status(); got != status {
			t.Errorf("%s: status %d, want %d", kind, got, status)
		}
		if got, want := errors.Is(&Error{Kind: kind}, ErrForbidden), kind == KindForbidden; got != want {
			t.Errorf("%s: matches ErrForbidden: %v, want %v", kind, got, want)
		}
	}
}

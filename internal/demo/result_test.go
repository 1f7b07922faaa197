package demo

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ebbgate/internal/lab"
)

// stopped is the result of a play of a connection flood in which all went well.
func stopped() Result {
	return Result{
		Bare:       lab.Span{Attempted: 350, Succeeded: 41, Failed: 309, P50: 1234567 * time.Nanosecond, P95: 812 * time.Millisecond},
		During:     lab.Span{Attempted: 981, Succeeded: 980, Failed: 1, P50: 612 * time.Microsecond, P95: 2049 * time.Microsecond},
		Recognised: 250 * time.Millisecond, Ruled: true, FirstRule: 214 * time.Millisecond, Interrupted: true, ServedAgain: 1337 * time.Millisecond, Lost: 12,
		Attempts: 81234, Refused: 77001, Cut: 3100, Most: 100, Peace: true,
		TableGone: 8333 * time.Millisecond, AttackOver: 8421 * time.Millisecond, Clean: 8421 * time.Millisecond,
		kind: connectionFlood(),
	}
}

func TestResultPrint(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Result)
	}{
		{"stopped.txt", func(*Result) {}},
		{"widest.txt", func(r *Result) {
			r.Bare = lab.Span{Attempted: 9999, Succeeded: 9999, P50: 999900 * time.Microsecond, P95: 999900 * time.Microsecond}
			r.During, r.Attempts, r.Refused, r.Cut, r.Clean = r.Bare, 999999, 999999, 999999, 30*time.Second
		}},
		{"never-interrupted.txt", func(r *Result) { r.Interrupted, r.ServedAgain, r.Lost = false, 0, 0 }},
		{"table-gone-first.txt", func(r *Result) { r.TableGone = 68 * time.Millisecond }},
		{"attack-over-first.txt", func(r *Result) { r.TableGone, r.Clean, r.AttackOver = 50*time.Second, 50*time.Second, 0 }},
		{"interrupted-again.txt", func(r *Result) {
			r.Outages = []Outage{{8*time.Second + 123*time.Millisecond, 9600 * time.Millisecond, 39}}
		}},
		{"interrupted-often.txt", func(r *Result) {
			for i := range 5 {
				from := time.Duration(2+3*i) * time.Second
				r.Outages = append(r.Outages, Outage{from, from + 1500*time.Millisecond, 100})
			}
		}},
		{"interrupted-to-the-end.txt", func(r *Result) { r.Outages = []Outage{{From: 18 * time.Second, Failed: 95}} }},
		{"not-clean.txt", func(r *Result) { r.Peace, r.Clean = false, 0 }},
		{"none-served.txt", func(r *Result) {
			r.Bare = lab.Span{Attempted: 350, Failed: 340, InFlight: 10}
			r.During = lab.Span{}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := stopped()
			c.change(&r)
			var out strings.Builder
			if err := r.Print(&out); err != nil {
				t.Fatal(err)
			}
			golden(t, c.name, out.String())
			for line := range strings.Lines(out.String()) {
				if n := utf8.RuneCountInString(line) - 1; n > 100 {
					t.Errorf("%d columns: %q", n, line)
				}
			}
		})
	}
}

var errFull = errors.New("no space left on device")

type fullDevice struct{}

func (fullDevice) Write([]byte) (int, error) { return 0, errFull }

func TestResultPrintTellsThatItCouldNot(t *testing.T) {
	r := stopped()
	if err := r.Print(fullDevice{}); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
}

func TestLogBufferKeepsTheBeginning(t *testing.T) {
	var l logBuffer
	line := []byte(strings.Repeat("x", 999) + "\n")
	for range 100 {
		if n, err := l.Write(line); n != len(line) || err != nil {
			t.Fatalf("Write returned %d, %v: the daemon must not notice that its log is full", n, err)
		}
	}
	got := l.String()
	if len(got) != logLimit {
		t.Errorf("%d bytes kept of 100,000, want %d", len(got), logLimit)
	}
	if want := strings.Repeat(string(line), 100)[:logLimit]; got != want {
		t.Error("what is kept is not the beginning")
	}
	if n, err := (&logBuffer{}).Write(nil); n != 0 || err != nil {
		t.Errorf("empty Write returned %d, %v", n, err)
	}
}

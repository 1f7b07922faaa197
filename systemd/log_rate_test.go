package systemd

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// ratedLog is a logger within the rate, and what it has logged: a line each.
func ratedLog() (log *slog.Logger, lines func(string) []string, report func()) {
	var b bytes.Buffer
	h, report := withinRate(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return slog.New(h), func(with string) (out []string) {
		for line := range strings.Lines(b.String()) {
			if strings.Contains(line, with) {
				out = append(out, line)
			}
		}
		return out
	}, report
}

// TestLogWithinItsRate logs 1,000 lines of each level a second for a minute.
func TestLogWithinItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines, report := ratedLog()
		const seconds, each = 60, 1000
		for range seconds {
			for range each {
				log.Info("attacker")
				log.Debug("attacker, closely")
				log.With("a", 1).WithGroup("g").Warn("attack")
				log.Error("fault")
			}
			time.Sleep(time.Second) // of synctest's time
		}
		synctest.Wait()
		report()
		const most = linesAtOnce + seconds*linesPerSecond
		for level, of := range map[string][]string{"info": {"level=INFO", "level=DEBUG"}, "urgent": {"msg=attack ", "level=ERROR"}} {
			n := len(lines(of[0])) + len(lines(of[1]))
			if n > most || n < most-linesPerSecond {
				t.Errorf("%s: %d lines, want %d", level, n, most)
			}
		}
		reports := lines("left out")
		if len(reports) != seconds/int(reportEvery/time.Second) {
			t.Errorf("%d lines say that others were left out:\n%s", len(reports), strings.Join(reports, ""))
		}
		left, grave := 0, 0
		for _, line := range reports {
			var n, g int
			if _, err := fmt.Sscanf(line[strings.Index(line, "count="):], "count=%d warnings=%d", &n, &g); err != nil || !strings.Contains(line, "level=WARN") {
				t.Fatalf("%v: %s", err, line)
			}
			left, grave = left+n, grave+g
		}
		logged := len(lines("")) - len(reports)
		if logged+left != 4*seconds*each {
			t.Errorf("%d logged and %d left out of %d", logged, left, 4*seconds*each)
		}
		if urgent := len(lines("msg=attack ")) + len(lines("level=ERROR")); urgent+grave != 2*seconds*each {
			t.Errorf("%d urgent logged and %d left out of %d", urgent, grave, 2*seconds*each)
		}
	})
}

// TestWarningsAreNotCrowdedOut has a flood of lines, and then what matters.
func TestWarningsAreNotCrowdedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines, report := ratedLog()
		for range 10 * linesAtOnce {
			log.Info("attacker")
		}
		for range linesAtOnce {
			log.Error("fault")
		}
		if n := len(lines("fault")); n != linesAtOnce {
			t.Errorf("%d errors were logged, want %d", n, linesAtOnce)
		}
		report()
		report() // there is nothing more to say
		if got := lines("left out"); len(got) != 1 || !strings.Contains(got[0], fmt.Sprintf("count=%d warnings=0", 9*linesAtOnce)) {
			t.Errorf("got %q", got)
		}
	})
}

func TestQuietLogIsWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines, report := ratedLog()
		for range 1000 {
			log.Info("x")
			time.Sleep(time.Second / linesPerSecond) // of synctest's time
		}
		report()
		if n := len(lines("")); n != 1000 {
			t.Errorf("%d lines of 1000", n)
		}
	})
}

// TestRateOfTheWholeLog goes the way the daemon does, to a stderr that is no journal.
func TestRateOfTheWholeLog(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "")
	var b bytes.Buffer
	handler, flush := LogHandler(&b, slog.LevelInfo)
	log := slog.New(handler)
	for range 5000 {
		log.Info("x")
	}
	flush()
	lines := strings.Count(b.String(), "\n")
	if most := linesAtOnce + 5*linesPerSecond; lines < linesAtOnce || lines > most {
		t.Errorf("%d lines, want %d to %d", lines, linesAtOnce, most)
	}
	if !strings.Contains(b.String(), "event=lines-left-out") {
		t.Error("nobody is told that lines were left out")
	}
}

func TestMessageID(t *testing.T) {
	// By uuidgen --sha1 --namespace cdac5fce-4c6a-4dac-a80a-d3cc632bb1ab, and never another: others look for it.
	if got := MessageID("attack-began"); got != "164fa8e6b8525018b24d44158a63ed86" {
		t.Errorf("attack-began is %s", got)
	}
	var s sink
	l, _, flush := newLog(&s)
	l.Warn("attack-began", "event", "attack-began", "id", 1795411190000001, "service", "web")
	l.Info("closed")
	flush()
	if got := s.entries[0]; got.vars["MESSAGE_ID"] != MessageID("attack-began") || got.vars["EBBGATE_ID"] != "1795411190000001" ||
		got.message != "attack-began event=attack-began service=web" {
		t.Errorf("got %+v", got)
	}
	if id, has := s.entries[1].vars["MESSAGE_ID"]; has {
		t.Errorf("a record of no event has the ID %s", id)
	}
}

func BenchmarkFloodOfLines(b *testing.B) {
	handler, _ := withinRate(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	log := slog.New(&rated{slog.NewTextHandler(&bytes.Buffer{}, nil), handler.(*rated).rate})
	b.ReportAllocs()
	for b.Loop() {
		log.Info("limit-raised", "event", "limit-raised", "service", "web", "source", "203.0.113.7/32")
	}
}

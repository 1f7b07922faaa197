package demo

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ebbgate/internal/nstest"
)

// script makes a program that stands in for a daemon which does not behave.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "daemon")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// newTestStage returns a stage that goes with the test.
func newTestStage(t *testing.T) *stage {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	s, err := newStage(policyText{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDaemonStartsAnswersAndEnds(t *testing.T) {
	l := nstest.Lab(t)
	bin := nstest.Program(t)
	d, err := startDaemon(t.Context(), l.Victim, bin, newTestStage(t))
	if err != nil {
		t.Fatal(err)
	}
	if s := d.service(t.Context()); s.Name != "shop" || s.LimitsTotal != 0 || len(s.Attacks) != 0 {
		t.Errorf("with no attack the daemon tells of %+v", s)
	}
	if err := d.stop(); err != nil {
		t.Error(err)
	}
	if left := processes(t, bin); len(left) != 0 {
		t.Errorf("processes left behind: %v", left)
	}
	if log := d.log.String(); !strings.Contains(log, "msg=ready") {
		t.Errorf("log:\n%s", log)
	}
	if s := d.service(t.Context()); s.Name != "" {
		t.Errorf("a daemon that is gone tells of %+v", s)
	}
	if err := d.stop(); err != nil {
		t.Errorf("a second stop: %v", err)
	}
}

func TestDaemonThatEndsAtOnce(t *testing.T) {
	l := nstest.Lab(t)
	p := &play{Options: Options{Program: nstest.Program(t), Out: io.Discard}, lab: l, stage: newTestStage(t), daemon: &daemonProcess{}}
	p.line = newTimeline(p.Options, connectionFlood(), time.Now())
	if err := os.WriteFile(p.stage.policy(), []byte("mode = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := p.protect(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "the daemon ended at once (exit status 2)\n") || !strings.Contains(err.Error(), "config.toml:1: mode: ") {
		t.Errorf("error %v, want its exit status and what it said", err)
	}
	// Run stops whatever daemon there is.
	if err := p.daemon.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestDaemonThatIsNoProgram(t *testing.T) {
	l := nstest.Lab(t)
	d, err := startDaemon(t.Context(), l.Victim, filepath.Join(t.TempDir(), "missing"), newTestStage(t))
	if d != nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("daemon %v, error %v", d, err)
	}
}

func TestCancelWhileTheDaemonStarts(t *testing.T) {
	l := nstest.Lab(t)
	s := newTestStage(t)
	mark := filepath.Join(s.dir, "started")
	bin := script(t, "touch "+mark+"\nexec sleep 1000\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for {
			if _, err := os.Stat(mark); err == nil || ctx.Err() != nil {
				cancel()
				return
			}
			time.Sleep(time.Millisecond) // until the condition holds
		}
	}()
	d, err := startDaemon(ctx, l.Victim, bin, s)
	if d != nil || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "the daemon ended badly: signal: terminated") {
		t.Errorf("daemon %v, error %v", d, err)
	}
}

func TestDaemonThatWillNotEndIsKilled(t *testing.T) {
	l := nstest.Lab(t)
	s := newTestStage(t)
	mark := filepath.Join(s.dir, "started")
	d, err := launch(l.Victim, script(t, "trap '' TERM\nmkfifo "+mark+".pipe\ntouch "+mark+"\nread x <"+mark+".pipe\n"), s)
	if err != nil {
		t.Fatal(err)
	}
	nstest.Await(t, "the program to ignore SIGTERM", func() bool { _, err := os.Stat(mark); return err == nil })
	if err := d.end(time.Millisecond); err == nil || err.Error() != "stop the daemon: it did not end within 1ms and was killed" {
		t.Errorf("error %v", err)
	}
	if state := d.cmd.ProcessState; state == nil || state.String() != "signal: killed" {
		t.Errorf("the program's end: %v", state)
	}
}

func TestWatchEndsWithItsCause(t *testing.T) {
	ended := make(chan struct{})
	close(ended)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	t.Run("cancelled", func(t *testing.T) {
		// The same Ctrl-C may have ended the daemon: whatever is noticed first, one cause is told.
		for range 50 {
			p := &play{daemon: &daemonProcess{done: ended}}
			if err := p.watch(cancelled, time.Hour, nil); err != context.Canceled {
				t.Fatalf("error %v", err)
			}
		}
	})
	t.Run("done", func(t *testing.T) {
		p := &play{daemon: &daemonProcess{}}
		if err := p.watch(cancelled, time.Hour, func() bool { return true }); err != nil {
			t.Errorf("error %v", err)
		}
	})
	t.Run("time is up", func(t *testing.T) {
		p := &play{daemon: &daemonProcess{}}
		if err := p.watch(cancelled, 0, nil); err != nil {
			t.Errorf("error %v", err)
		}
	})
}

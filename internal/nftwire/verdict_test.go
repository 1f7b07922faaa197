package nftwire

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestVerdict(t *testing.T) {
	const first, last = 10, 13 // three messages: 11, 12, 13
	const told = unix.NLM_F_CAPPED | unix.NLM_F_ACK_TLVS
	capped := make([]byte, unix.NLMSG_HDRLEN)
	whole := append([]byte{24, 0, 0, 0}, make([]byte, 20)...)
	for _, tt := range []struct {
		name    string
		answers [][]byte
		want    Refusal // with errno 0: it holds
		lost    bool
	}{
		{"acknowledged", [][]byte{answer(13, 0, unix.NLM_F_CAPPED, capped...)}, Refusal{}, false},
		{"nothing came", nil, Refusal{}, true},
		{"another's answer", [][]byte{answer(9, 0, 0), answer(14, unix.EEXIST, 0)}, Refusal{}, true},
		{"another message acknowledged", [][]byte{answer(12, 0, 0)}, Refusal{}, true},
		{"second refused", [][]byte{answer(12, unix.EEXIST, told, explained("", 40)...), answer(13, 0, 0)},
			Refusal{Message: 1, Errno: unix.EEXIST, Offset: 40}, false},
		{"first of two counts", [][]byte{answer(13, unix.ENOENT, 0), answer(11, unix.EBUSY, told, explained("in use", 0)...)},
			Refusal{Message: 0, Errno: unix.EBUSY, Text: "in use"}, false},
		{"not permitted", [][]byte{answer(10, unix.EPERM, 0)}, Refusal{Message: -1, Errno: unix.EPERM}, false},
		{"refused at the end", [][]byte{answer(10, unix.EINVAL, 0), answer(13, 0, 0)}, Refusal{Message: -1, Errno: unix.EINVAL}, false},
		{"not capped", [][]byte{answer(11, unix.EINVAL, unix.NLM_F_ACK_TLVS, append(whole, explained("why", 7)[unix.NLMSG_HDRLEN:]...)...)},
			Refusal{Message: 0, Errno: unix.EINVAL, Text: "why", Offset: 7}, false},
		{"two in one datagram", [][]byte{append(answer(13, 0, 0), answer(12, unix.ENFILE, 0)...)},
			Refusal{Message: 1, Errno: unix.ENFILE}, false},
		{"text with an escape", [][]byte{answer(11, unix.EINVAL, told, explained("\x1b[2J", 0)...)},
			Refusal{Message: 0, Errno: unix.EINVAL}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := verdict{first: first, last: last}
			for _, a := range tt.answers {
				v.feed(a, false)
			}
			var r *Refusal
			switch err := v.result(); {
			case tt.lost:
				if !errors.Is(err, ErrNoVerdict) {
					t.Errorf("got %v, want ErrNoVerdict", err)
				}
			case tt.want.Errno == 0:
				if err != nil {
					t.Errorf("got %v, want none", err)
				}
			case !errors.As(err, &r) || *r != tt.want || !errors.Is(err, tt.want.Errno):
				t.Errorf("got %+v, want %+v", r, tt.want)
			}
		})
	}
}

// TestVerdictOfACutAnswer: where the receive buffer was too short, the errno still counts.
func TestVerdictOfACutAnswer(t *testing.T) {
	long := answer(11, unix.ENOMEM, 0, make([]byte, 4000)...)
	for _, n := range []int{unix.NLMSG_HDRLEN + 4, unix.NLMSG_HDRLEN + 8, 2048} {
		v := verdict{first: 10, last: 13}
		v.feed(long[:n], true)
		if err := v.result(); !errors.Is(err, unix.ENOMEM) {
			t.Errorf("%d of %d bytes: %v", n, len(long), err)
		}
	}
	v := verdict{first: 10, last: 13}
	v.feed(long[:unix.NLMSG_HDRLEN+3], true)
	if err := v.result(); !errors.Is(err, ErrNoVerdict) {
		t.Errorf("without an errno: %v", err)
	}
}

// TestVerdictAcrossTheEndOfNumbers: message numbers wrap.
func TestVerdictAcrossTheEndOfNumbers(t *testing.T) {
	v := verdict{first: 0xfffffffe, last: 1}
	v.feed(answer(2, unix.EPERM, 0), false)
	v.feed(answer(1, 0, 0), false)
	if err := v.result(); err != nil {
		t.Error(err)
	}
	v.feed(answer(0, unix.EEXIST, 0), false)
	var r *Refusal
	if err := v.result(); !errors.As(err, &r) || r.Message != 1 {
		t.Errorf("got %+v", r)
	}
}

func TestRefusalSays(t *testing.T) {
	if got := (&Refusal{Errno: unix.ENFILE}).Error(); got != unix.ENFILE.Error() {
		t.Errorf("got %q", got)
	}
	if got := (&Refusal{Errno: unix.EINVAL, Text: "no such type"}).Error(); got != "invalid argument (no such type)" {
		t.Errorf("got %q", got)
	}
}

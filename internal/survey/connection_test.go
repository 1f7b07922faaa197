package survey

import (
	"testing"
	"time"

	"ebbgate/internal/inetdiag"
)

func TestConnectionTimers(t *testing.T) {
	for timer, want := range map[uint8]struct {
		keepalive Keepalive
		waits     string
	}{
		0: {KeepaliveOff, ""}, 1: {KeepaliveUnknown, "retransmit"}, 2: {KeepaliveOn, ""}, 4: {KeepaliveUnknown, "zero-window"}, 9: {KeepaliveUnknown, ""},
	} {
		c := newConnection(&inetdiag.Socket{State: inetdiag.Established, Timer: timer, Retrans: 3}, true)
		if c.Keepalive != want.keepalive || c.Waits != want.waits || c.Unheard != 3 {
			t.Errorf("timer %d: got %+v, want %+v", timer, c, want)
		}
	}
}

func TestAccepted(t *testing.T) {
	tests := []struct {
		state inetdiag.State
		inode uint32
		want  bool
	}{
		{inetdiag.Established, 5, true}, {inetdiag.Established, 0, false}, {inetdiag.CloseWait, 0, false}, {inetdiag.CloseWait, 5, true},
		{inetdiag.FinWait1, 0, true}, {inetdiag.LastAck, 0, true},
	}
	for _, tt := range tests {
		c := newConnection(&inetdiag.Socket{State: tt.state, Inode: tt.inode}, true)
		if got := c.Accepted(); got != tt.want {
			t.Errorf("%s with inode %d: got %v", tt.state, tt.inode, got)
		}
	}
}

func TestIdleIsSinceDataEitherWay(t *testing.T) {
	s := inetdiag.Socket{HasInfo: true, Info: inetdiag.Info{LastDataSent: 5 * time.Second, LastDataRecv: 3 * time.Second, LastAckRecv: time.Second}}
	if got := idle(&s); got != 3*time.Second {
		t.Errorf("got %s", got)
	}
	s.Info.LastDataSent = 2 * time.Second
	if got := idle(&s); got != 2*time.Second {
		t.Errorf("got %s", got)
	}
	s.HasInfo = false
	if got := idle(&s); got != 0 {
		t.Errorf("without tcp_info: got %s", got)
	}
}

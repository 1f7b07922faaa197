package enforcer

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ebbgate/internal/inetdiag"
)

// socket returns a connection with the given history; n names it.
func socket(n byte, received, acked uint64, queued uint32, recv, sent time.Duration) *inetdiag.Socket {
	s := &inetdiag.Socket{HasInfo: true, WQueue: queued,
		Info: inetdiag.Info{BytesReceived: received, BytesAcked: acked, LastDataRecv: recv, LastDataSent: sent}}
	s.ID[0] = n
	return s
}

func TestLeastProgressFirst(t *testing.T) {
	const minute = time.Minute
	noInfo := &inetdiag.Socket{}
	noInfo.ID[0] = 9
	tests := []struct {
		name string
		in   []*inetdiag.Socket
		want []byte
	}{
		{"silent before anything that spoke", []*inetdiag.Socket{
			socket(1, 10, 0, 0, time.Hour, time.Hour), socket(2, 0, 0, 0, time.Second, time.Second)}, []byte{2, 1}},
		{"of the silent, the oldest", []*inetdiag.Socket{
			socket(1, 0, 0, 0, minute, 0), socket(2, 0, 0, 0, 2*minute, 0)}, []byte{2, 1}},
		{"the longest without data", []*inetdiag.Socket{
			socket(1, 10, 10, 0, minute, minute), socket(2, 10, 10, 0, 3*minute, 3*minute), socket(3, 10, 10, 0, 2*minute, 2*minute)}, []byte{2, 3, 1}},
		{"taking data of ours is progress", []*inetdiag.Socket{
			socket(1, 10, 999, 0, time.Hour, time.Second), socket(2, 10, 999, 0, minute, minute)}, []byte{2, 1}},
		{"a full window is none, however fresh what we sent", []*inetdiag.Socket{
			socket(1, 10, 999, 0, minute, time.Second), socket(2, 10, 999, 65536, 2*minute, 0)}, []byte{2, 1}},
		{"ties by identity", []*inetdiag.Socket{
			socket(3, 1, 0, 0, minute, 0), socket(1, 1, 0, 0, minute, 0), socket(2, 1, 0, 0, minute, 0)}, []byte{1, 2, 3}},
		{"what an old kernel does not tell comes last", []*inetdiag.Socket{
			noInfo, socket(1, 1, 0, 0, minute, 0)}, []byte{1, 9}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var list []*candidate
			for _, s := range tt.in {
				c := progress(s)
				list = append(list, &c)
			}
			leastProgress(list)
			var got []byte
			for _, c := range list {
				got = append(got, c.id[0])
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

package inetdiag

import (
	"encoding/binary"
	"time"
)

// Info is what tcp_info (linux/tcp.h) says about a connection's progress.
type Info struct {
	BytesReceived uint64        // payload received in order
	BytesAcked    uint64        // payload the peer acknowledged
	LastDataSent  time.Duration // since the last segment with data was sent
	LastDataRecv  time.Duration // since the last segment with data came in
	LastAckRecv   time.Duration // since the last acknowledgement came in
}

// Offsets into struct tcp_info, which only ever grows at its end. The last field we need came
// with Linux 4.1.
const (
	infoLastDataSent  = 44
	infoLastDataRecv  = 52
	infoLastAckRecv   = 56
	infoBytesAcked    = 120
	infoBytesReceived = 128
	infoLen           = 136
)

// decode fills i and reports whether b is long enough to hold every field.
func (i *Info) decode(b []byte) bool {
	if len(b) < infoLen {
		*i = Info{}
		return false
	}
	i.LastDataSent = milliseconds(b[infoLastDataSent:])
	i.LastDataRecv = milliseconds(b[infoLastDataRecv:])
	i.LastAckRecv = milliseconds(b[infoLastAckRecv:])
	i.BytesAcked = binary.NativeEndian.Uint64(b[infoBytesAcked:])
	i.BytesReceived = binary.NativeEndian.Uint64(b[infoBytesReceived:])
	return true
}

func milliseconds(b []byte) time.Duration {
	return time.Duration(binary.NativeEndian.Uint32(b)) * time.Millisecond
}

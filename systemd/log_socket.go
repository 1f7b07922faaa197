package systemd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// journalPath is where journald reads its native protocol (systemd-journald.service(8)).
const journalPath = "/run/systemd/journal/socket"

// journalSocket sends records to journald. It belongs to one goroutine at a time.
//
// The socket blocks, and the kernel wakes whoever waits in sendmsg(2) when the journal has read something.
// A non-blocking one that is not connected would wait for its own earlier records to be read only: with a
// queue that others have filled, it would never be woken. One socket serves for all records, so that what
// the kernel holds for it is bounded by one send buffer.
type journalSocket struct {
	path   string
	fd     int
	opened bool
}

// send sends one record, and waits for as long as the journal does not read.
func (s *journalSocket) send(r *record) error {
	if !s.opened {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open unix socket: %w", err)
		}
		s.fd, s.opened = fd, true
	}
	data := encode(r)
	err := sendmsg(s.fd, s.path, data, nil)
	if errors.Is(err, unix.EMSGSIZE) || errors.Is(err, unix.ENOBUFS) {
		return s.sendFile(data)
	}
	return err
}

// recordSeals are those without which journald silently drops a file in memory that is not root's
// (memfd_get_sealed of its memfd-util.c).
const recordSeals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// sendFile sends what is too large for a datagram, as a file in memory that nobody can change any more.
func (s *journalSocket) sendFile(data []byte) error {
	fd, err := unix.MemfdCreate("ebbgate-log-record", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return fmt.Errorf("make file in memory: %w", err)
	}
	defer unix.Close(fd)
	for rest := data; len(rest) > 0; {
		n, err := unix.Write(fd, rest)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("write file in memory: %w", err)
		}
		rest = rest[n:]
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, recordSeals); err != nil {
		return fmt.Errorf("seal file in memory: %w", err)
	}
	return sendmsg(s.fd, s.path, nil, unix.UnixRights(fd))
}

// encode writes a record in the journal's native protocol.
func encode(r *record) []byte {
	data := make([]byte, 0, r.size()+64)
	data = appendField(data, "PRIORITY", strconv.Itoa(int(r.priority)))
	data = appendField(data, "MESSAGE", r.line)
	for _, f := range r.fields {
		data = appendField(data, f.key, f.value)
	}
	return data
}

// appendField appends NAME=VALUE, or where the value has a line break, its length in front of it.
func appendField(data []byte, name, value string) []byte {
	data = append(data, name...)
	if strings.Contains(value, "\n") {
		data = append(data, '\n')
		data = binary.LittleEndian.AppendUint64(data, uint64(len(value)))
	} else {
		data = append(data, '=')
	}
	data = append(data, value...)
	return append(data, '\n')
}

package systemd

import (
	"crypto/sha1"
	"encoding/hex"
)

// messageSpace is the namespace of ebbgate's message IDs: a random UUID, never to be changed.
var messageSpace = [16]byte{0xcd, 0xac, 0x5f, 0xce, 0x4c, 0x6a, 0x4d, 0xac, 0xa8, 0x0a, 0xd3, 0xcc, 0x63, 0x2b, 0xb1, 0xab}

// MessageID returns the journal's MESSAGE_ID of an event: the UUID of its name, by SHA-1, in a namespace of our
// own (RFC 9562, 5.5), as 32 hexadecimal digits (systemd.journal-fields(7)). The catalog explains each.
func MessageID(event string) string {
	sum := sha1.Sum(append(messageSpace[:], event...))
	id := sum[:16]
	id[6], id[8] = id[6]&0x0f|0x50, id[8]&0x3f|0x80
	return hex.EncodeToString(id)
}

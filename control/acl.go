package control

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// An access control list as the kernel takes it (linux/posix_acl_xattr.h): a version, then a tag,
// permissions and an id for each entry, in the order of the tags.
const (
	aclName    = "system.posix_acl_access"
	aclVersion = 2

	aclOwner      = 0x01 // ACL_USER_OBJ
	aclOwnGroup   = 0x04 // ACL_GROUP_OBJ
	aclNamedGroup = 0x08 // ACL_GROUP
	aclMask       = 0x10 // ACL_MASK
	aclOthers     = 0x20 // ACL_OTHER

	aclReadWrite = 6
	aclNoID      = 0xffffffff // ACL_UNDEFINED_ID

	aclGroupAt = 4 + 2*8 + 4 // where the id of the third entry is
)

// grant lets the members of a group read and write a file, besides its owner, and nobody else; its
// mode becomes 0660. A file's owner may do so for any group, where giving the file to one takes
// membership in it and a system call that a sandbox may forbid. The error matches unix.EOPNOTSUPP on
// a file system without access control lists.
func grant(path string, gid uint32) error {
	if err := unix.Setxattr(path, aclName, groupACL(gid), 0); err != nil {
		return fmt.Errorf("grant access to %q by its access control list: %w", path, err)
	}
	return nil
}

// granted returns the group that grant let in, if it did.
func granted(path string) (gid uint32, ok bool) {
	b := make([]byte, len(groupACL(0))+1) // one more: a longer list does not fit, or is no list of ours
	n, err := unix.Getxattr(path, aclName, b)
	if err != nil || n != len(b)-1 {
		return 0, false
	}
	gid = binary.LittleEndian.Uint32(b[aclGroupAt:])
	return gid, bytes.Equal(b[:n], groupACL(gid))
}

func groupACL(gid uint32) []byte {
	b := binary.LittleEndian.AppendUint32(nil, aclVersion)
	for _, e := range []struct {
		tag, access uint16
		id          uint32
	}{
		{aclOwner, aclReadWrite, aclNoID},
		{aclOwnGroup, 0, aclNoID},
		{aclNamedGroup, aclReadWrite, gid},
		{aclMask, aclReadWrite, aclNoID},
		{aclOthers, 0, aclNoID},
	} {
		b = binary.LittleEndian.AppendUint16(b, e.tag)
		b = binary.LittleEndian.AppendUint16(b, e.access)
		b = binary.LittleEndian.AppendUint32(b, e.id)
	}
	return b
}

package control

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Link makes path a symbolic link to the socket, so that who looks there finds the daemon wherever its
// policy puts the socket. Nothing happens if the socket itself is there. What Listen would replace is
// replaced; anything else, and a living owner of the path, is an error and left alone. Close removes the
// link. It can be called once.
func (s *Socket) Link(path string) error {
	if path == s.path {
		return nil
	}
	if to, err := os.Readlink(path); err != nil || to != s.path {
		if err := vacate(path); err != nil {
			return fmt.Errorf("link to control socket %q: %w", s.path, err)
		}
		if err := os.Symlink(s.path, path); err != nil {
			return fmt.Errorf("link to control socket: %w", err)
		}
	}
	s.link = path
	return nil
}

// unlinkLink removes the link, if there is one that still leads to the socket.
func (s *Socket) unlinkLink() error {
	if to, err := os.Readlink(s.link); s.link == "" || err != nil || to != s.path {
		return nil
	}
	if err := os.Remove(s.link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove link to control socket: %w", err)
	}
	return nil
}

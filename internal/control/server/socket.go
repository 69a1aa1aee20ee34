package server

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// maxSocket is how long a socket's path may be, in bytes (unix(7)).
const maxSocket = 107

// Bind opens the unix socket for its owner alone: the vault listens on it. A socket that a dead
// server left behind is replaced: the folder's lock says that it is dead.
func Bind(path string) (*net.UnixListener, error) {
	if len(path) > maxSocket {
		return nil, fmt.Errorf("the path of the socket in the data folder has at most %d bytes, and this has %d: use a folder with a shorter path", maxSocket, len(path))
	}
	switch info, err := os.Lstat(path); {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("looking for an old socket: %w", err)
	case info.Mode().Type() != os.ModeSocket:
		return nil, fmt.Errorf("%s is no socket, and in its place: move it away", path)
	default:
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("replacing the old socket: %w", err)
		}
	}
	old := unix.Umask(0o177)
	defer unix.Umask(old)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("opening the socket in the data folder: %w", err)
	}
	return l, nil
}

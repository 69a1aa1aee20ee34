//go:build unix

package cli

import "golang.org/x/sys/unix"

// access says why no file can be made in a folder.
func access(folder string) error { return unix.Access(folder, unix.W_OK|unix.X_OK) }

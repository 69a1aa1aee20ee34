package image

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Where a cell's own folders and files are mounted: an image has them as folders and
// files of its own, and no links, so that no mount lands elsewhere.
var (
	ownFolders = []string{"dev", "proc", "sys", "run", "tmp", "job", "home", "home/job", "etc", "opt", "srv", "nix"}
	ownFiles   = []string{"etc/passwd", "etc/group", "etc/nsswitch.conf", "etc/resolv.conf", "etc/hosts", "etc/hostname"}
)

// Bundle is the file of certificates of cells, below their root.
const Bundle = "etc/ssl/certs/ca-certificates.crt"

// bundles are where distributions look for that file: OpenSSL's own place and Alpine's,
// Red Hat's, and SUSE's. Where there is such a folder, it leads to [Bundle].
var bundles = []string{
	"etc/ssl/cert.pem", "etc/ssl/ca-bundle.pem", "etc/ssl/certs/ca-bundle.crt",
	"etc/pki/tls/cert.pem", "etc/pki/tls/certs/ca-bundle.crt", "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"usr/lib/ssl/cert.pem", "usr/local/ssl/cert.pem", "var/lib/ca-certificates/ca-bundle.pem",
}

// fit makes a tree fit to be a cell's root, and says whether it has a shell.
func (u *unpacking) fit() (shell bool, err error) {
	u.begin()
	for _, name := range ownFolders {
		if err := u.own(name, unix.S_IFDIR); err != nil {
			return false, wrong(name, err)
		}
	}
	for _, name := range append(ownFiles, Bundle) {
		if err := u.own(name, unix.S_IFREG); err != nil {
			return false, wrong(name, err)
		}
	}
	for _, name := range bundles {
		if err := u.lead(name); err != nil {
			return false, wrong(name, err)
		}
	}
	return u.hasShell(), nil
}

// own makes an entry what it must be, in the place of whatever else it is. The folders of
// a file of certificates may be links, as they are at Red Hat's.
func (u *unpacking) own(name string, must uint32) error {
	above, base := split(name)
	folder, err := u.folder(above)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(folder) }()
	is, _, err := kind(folder, base)
	if err != nil || is == must {
		return err
	}
	if err := u.remove(folder, base); err != nil {
		return err
	}
	if must == unix.S_IFDIR {
		return unix.Mkdirat(folder, base, folderMode)
	}
	fd, err := unix.Openat(folder, base, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, fileMode)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// lead makes a name lead to the cell's certificates, where its folder is there.
func (u *unpacking) lead(name string) error {
	above, base := split(name)
	folder, err := u.open(above)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(folder) }()
	if err := u.remove(folder, base); err != nil {
		return err
	}
	return unix.Symlinkat("/"+Bundle, folder, base)
}

// hasShell says whether the tree has what commands are given to.
func (u *unpacking) hasShell() bool {
	fd, err := unix.Openat2(u.root, "bin/sh", &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Mode&0o111 != 0
}

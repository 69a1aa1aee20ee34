package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell"
)

// Budget bounds what an image unpacks to.
type Budget struct {
	// Bytes are those of all files, and Files is how many entries all layers have.
	Bytes int64 `json:"bytes"`
	Files int   `json:"files"`
}

// Left counts what an image has and a cell's root has not.
type Left struct {
	// Devices are devices, pipes and sockets.
	Devices int `json:"devices,omitempty"`
	// Privileges are files that would have run as another user, or with capabilities: they
	// are there, without that.
	Privileges int `json:"privileges,omitempty"`
}

// String says it in a clause; empty where nothing was left out.
func (l Left) String() string {
	var parts []string
	if l.Devices > 0 {
		parts = append(parts, strconv.Itoa(l.Devices)+" devices, pipes and sockets")
	}
	if l.Privileges > 0 {
		parts = append(parts, "the privileges of "+strconv.Itoa(l.Privileges)+" programs")
	}
	return strings.Join(parts, " and ")
}

// Modes are ours: all users of cells read everything, and nobody writes.
const (
	folderMode  = 0o755
	fileMode    = 0o644
	programMode = 0o755
)

// The bounds of a name, in bytes and in parts.
const (
	maxName  = 4095
	maxDepth = 128
)

// Whiteouts (OCI image specification, layer.md).
const (
	whiteout = ".wh."
	metadata = ".wh..wh."
	opaque   = ".wh..wh..opq"
)

// unpacking is a tree with the budget that is left.
type unpacking struct {
	*tree
	left   Budget
	out    Left
	buffer []byte
}

func unpackInto(t *tree, b Budget) *unpacking {
	return &unpacking{tree: t, left: b, buffer: make([]byte, 256<<10)}
}

// errBudget says that an image is too large.
func errBudget(what string) error {
	return fmt.Errorf("%w: the image unpacks to more %s than is taken", hotcell.ErrInvalid, what)
}

// layer puts a layer, a tar archive, onto the tree.
func (u *unpacking) layer(from io.Reader) error {
	u.begin()
	archive := tar.NewReader(from)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, hotcell.ErrInvalid) {
			return err
		}
		if err != nil {
			return fmt.Errorf("%w: a layer breaks off: %w", hotcell.ErrInvalid, err)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if u.left.Files--; u.left.Files < 0 {
			return errBudget("files")
		}
		name, err := entryName(h.Name)
		if err != nil {
			return err
		}
		if err := u.entry(name, h, archive); err != nil {
			return err
		}
	}
}

// entryName is the name of an entry from the root on, without a slash before it; empty
// for the root itself.
func entryName(name string) (string, error) {
	if len(name) > maxName || strings.ContainsRune(name, 0) {
		return "", fmt.Errorf("%w: the image has an entry whose name is too long, or has a NUL byte", hotcell.ErrInvalid)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", fmt.Errorf("%w: the image's entry %q leads out of its root", hotcell.ErrInvalid, shown(name))
		}
	}
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if strings.Count(name, "/") >= maxDepth {
		return "", fmt.Errorf("%w: the image's entry %q is too deep", hotcell.ErrInvalid, shown(name))
	}
	return name, nil
}

// shown is a name fit for an error.
func shown(name string) string {
	return name[:min(len(name), 120)]
}

// entry puts one entry onto the tree.
func (u *unpacking) entry(name string, h *tar.Header, content io.Reader) error {
	above, base := split(name)
	if strings.HasPrefix(base, whiteout) {
		return u.whiteout(above, base)
	}
	if name == "" {
		return nil // the root's mode and owner are ours
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeDir, tar.TypeSymlink, tar.TypeLink, tar.TypeGNUSparse:
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		u.out.Devices++
		return nil
	default:
		return fmt.Errorf("%w: the image's entry %q is of no kind that is known", hotcell.ErrInvalid, shown(name))
	}
	folder, err := u.folder(above)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(folder) }()
	if err := u.put(folder, base, h, content); err != nil {
		return wrong(name, err)
	}
	return u.note(folder, base)
}

// put makes an entry in the place of whatever is there; a folder stays with what it has.
func (u *unpacking) put(folder int, base string, h *tar.Header, content io.Reader) error {
	was, _, err := kind(folder, base)
	if err != nil || was == unix.S_IFDIR && h.Typeflag == tar.TypeDir {
		return err
	}
	if h.Typeflag == tar.TypeLink {
		return u.link(folder, base, h.Linkname)
	}
	if err := u.remove(folder, base); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return unix.Mkdirat(folder, base, folderMode)
	case tar.TypeSymlink:
		if h.Linkname == "" || len(h.Linkname) > maxName || strings.ContainsRune(h.Linkname, 0) {
			return fmt.Errorf("%w: a link leads nowhere", hotcell.ErrInvalid)
		}
		return unix.Symlinkat(h.Linkname, folder, base)
	}
	return u.file(folder, base, h, content)
}

// link makes a hard link to a file of the tree.
func (u *unpacking) link(folder int, base, to string) error {
	name, err := entryName(to)
	if err != nil {
		return err
	}
	above, target := split(name)
	from, err := u.open(above)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(from) }()
	mode, ino, err := kind(from, target)
	switch {
	case err != nil:
		return err
	case target == "" || mode != unix.S_IFREG && mode != unix.S_IFLNK:
		return fmt.Errorf("%w: a hard link leads to %q, which is no file of the image", hotcell.ErrInvalid, shown(to))
	}
	if _, own, _ := kind(folder, base); own == ino {
		return nil // it is that file already
	}
	if err := u.remove(folder, base); err != nil {
		return err
	}
	// What was removed may have held the target.
	return unix.Linkat(from, target, folder, base, 0)
}

// setid are the bits that have a program run as another user or group.
const setid = unix.S_ISUID | unix.S_ISGID

// file writes one file: for all to read, for all to run where anybody might.
func (u *unpacking) file(folder int, base string, h *tar.Header, content io.Reader) error {
	if h.Size > u.left.Bytes {
		return errBudget("bytes")
	}
	mode := uint32(fileMode)
	if h.Mode&0o111 != 0 {
		mode = programMode
	}
	if h.Mode&setid != 0 || capable(h) {
		u.out.Privileges++
	}
	fd, err := unix.Openat(folder, base, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, mode)
	if err != nil {
		return err
	}
	err = u.copy(fd, content)
	if err := errors.Join(err, unix.Close(fd)); err != nil {
		return err
	}
	at := unix.NsecToTimespec(max(0, h.ModTime.Unix()) * 1e9)
	return unix.UtimesNanoAt(folder, base, []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW)
}

// capable says whether a file has capabilities: its attributes are not taken.
func capable(h *tar.Header) bool {
	return h.PAXRecords["SCHILY.xattr.security.capability"] != ""
}

// copy writes what there is, within the budget.
func (u *unpacking) copy(fd int, content io.Reader) error {
	for {
		n, err := content.Read(u.buffer)
		if u.left.Bytes -= int64(n); u.left.Bytes < 0 {
			return errBudget("bytes")
		}
		for rest := u.buffer[:n]; len(rest) > 0; {
			written, err := unix.Write(fd, rest)
			if err != nil {
				return err
			}
			rest = rest[written:]
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: a layer breaks off: %w", hotcell.ErrInvalid, err)
		}
	}
}

// whiteout removes what the layers below have: all of a folder, or one entry of it.
func (u *unpacking) whiteout(above, base string) error {
	hidden := strings.TrimPrefix(base, whiteout)
	if base != opaque && (strings.HasPrefix(base, metadata) || hidden == "") {
		return nil // notes of the program that made the layer
	}
	if hidden == "." || hidden == ".." {
		return fmt.Errorf("%w: the image removes what is outside of its root", hotcell.ErrInvalid)
	}
	folder, err := u.open(above)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil // nothing there
	}
	if err != nil {
		return wrong(above, err)
	}
	defer func() { _ = unix.Close(folder) }()
	if base == opaque {
		return u.within(folder, ".", u.hide)
	}
	return u.hide(folder, hidden)
}

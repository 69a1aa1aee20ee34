package image

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell"
)

// tree is a root folder that is being made. Whatever a layer says, every name is found
// beneath it: links are followed as they will be once the tree is a root, by the kernel
// (openat2(2), RESOLVE_IN_ROOT), and the last part of a name is never followed.
type tree struct {
	root int
	// made are the entries that the layer at hand has made, by their folder's inode and
	// their name there; touched are the folders that one of them is in, at any depth.
	made    map[place]bool
	touched map[uint64]bool
	top     uint64
}

// place is an entry, by whatever way it was come to.
type place struct {
	folder uint64
	name   string
}

// openTree opens a folder to be filled.
func openTree(folder string) (*tree, error) {
	fd, err := unix.Open(folder, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the tree: %w", err)
	}
	t := &tree{root: fd}
	t.top, err = inode(fd)
	t.begin()
	return t, err
}

// begin is the beginning of a layer.
func (t *tree) begin() { t.made, t.touched = map[place]bool{}, map[uint64]bool{} }

func (t *tree) close() { _ = unix.Close(t.root) }

func inode(fd int) (uint64, error) {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	return st.Ino, err
}

// open opens a folder of the tree that is there.
func (t *tree) open(name string) (int, error) {
	if name == "" {
		name = "."
	}
	return unix.Openat2(t.root, name, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
}

// folder opens a folder of the tree, and makes it, and those above it, where there is none.
func (t *tree) folder(name string) (int, error) {
	fd, err := t.open(name)
	if !errors.Is(err, unix.ENOENT) || name == "" {
		return fd, wrong(name, err)
	}
	above, base := split(name)
	up, err := t.folder(above)
	if err != nil {
		return -1, err
	}
	defer func() { _ = unix.Close(up) }()
	if err := unix.Mkdirat(up, base, folderMode); err != nil && !errors.Is(err, unix.EEXIST) {
		return -1, wrong(name, err)
	}
	if err := t.note(up, base); err != nil {
		return -1, err
	}
	fd, err = t.open(name)
	return fd, wrong(name, err)
}

// split is the folder of an entry, and its name there.
func split(name string) (folder, base string) {
	folder, base = path.Split(name)
	return strings.TrimSuffix(folder, "/"), base
}

// wrong is an error that an entry is to blame for.
func wrong(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP), errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENAMETOOLONG), errors.Is(err, unix.EXDEV):
		return fmt.Errorf("%w: the image's entry %q has no folder to be in: %w", hotcell.ErrInvalid, shown(name), err)
	}
	return fmt.Errorf("unpacking %q: %w", shown(name), err)
}

// note remembers that the layer at hand made an entry: whiteouts are for what the
// layers below have.
func (t *tree) note(folder int, base string) error {
	at, err := inode(folder)
	if err != nil {
		return err
	}
	t.made[place{at, base}] = true
	fd := folder
	for !t.touched[at] {
		t.touched[at] = true
		if at == t.top {
			break
		}
		up, err := unix.Openat(fd, "..", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if fd != folder {
			_ = unix.Close(fd)
		}
		if err != nil {
			return err
		}
		fd = up
		if at, err = inode(fd); err != nil {
			break
		}
	}
	if fd != folder {
		_ = unix.Close(fd)
	}
	return err
}

// kind is what an entry is, 0 for nothing there. No link is followed.
func kind(folder int, base string) (mode uint32, ino uint64, err error) {
	var st unix.Stat_t
	err = unix.Fstatat(folder, base, &st, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		return 0, 0, nil
	}
	return st.Mode & unix.S_IFMT, st.Ino, err
}

// remove removes an entry with all that is in it.
func (t *tree) remove(folder int, base string) error {
	mode, ino, err := kind(folder, base)
	if err != nil || mode == 0 {
		return err
	}
	at, err := inode(folder)
	if err != nil {
		return err
	}
	delete(t.made, place{at, base})
	if mode != unix.S_IFDIR {
		return unix.Unlinkat(folder, base, 0)
	}
	if err := t.within(folder, base, func(fd int, name string) error { return t.remove(fd, name) }); err != nil {
		return err
	}
	delete(t.touched, ino)
	return unix.Unlinkat(folder, base, unix.AT_REMOVEDIR)
}

// hide removes of an entry what the layers below the one at hand have.
func (t *tree) hide(folder int, base string) error {
	mode, ino, err := kind(folder, base)
	if err != nil || mode == 0 {
		return err
	}
	at, err := inode(folder)
	if err != nil {
		return err
	}
	own := t.made[place{at, base}]
	switch {
	case mode == unix.S_IFDIR && (own || t.touched[ino]):
		return t.within(folder, base, t.hide)
	case own:
		return nil
	}
	return t.remove(folder, base)
}

// within calls fn for each entry of a folder.
func (t *tree) within(folder int, base string, fn func(fd int, name string) error) error {
	fd, err := unix.Openat(folder, base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	names, err := entries(fd)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := fn(fd, name); err != nil {
			return err
		}
	}
	return nil
}

// entries are the names in a folder.
func entries(fd int) (names []string, err error) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := unix.ReadDirent(fd, buffer)
		if err != nil || n <= 0 {
			return names, err
		}
		_, _, names = unix.ParseDirent(buffer[:n], -1, names)
	}
}

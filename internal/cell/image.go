package cell

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// furniture is where the init of a cell with an image's root makes the files that it
// mounts over the image's.
const furniture = "/run"

// furnitureSize bounds it, in bytes: the machine's certificates and a few small files.
const furnitureSize = 8 << 20

// ownBundle is where bwrap puts the machine's certificates in such a cell.
const ownBundle = furniture + "/ca-certificates.crt"

// ErrLoader says that this program needs a loader, which an image need not have.
var ErrLoader = errors.New("images need a program that is linked statically, and this one is not: build it by make build")

// Static says whether a program needs no loader.
func Static(binary string) bool {
	f, err := elf.Open(binary)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return !slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
}

// top is the folder of the root that a mount is in.
func (m Mount) top() string { return "/" + strings.SplitN(m.Target, "/", 3)[1] }

// run is the folder of the init's own files.
func (b *Bubblewrap) run() []string {
	args := []string{"--perms", "0755", "--size", strconv.Itoa(furnitureSize), "--tmpfs", furniture}
	if b.options.Bundle != "" {
		args = append(args, "--perms", "0644", "--file", strconv.Itoa(fdBundle), ownBundle)
	}
	return args
}

// over puts the operator's mounts into folders of an image, which nobody can write to:
// such a folder is made anew, with what the image has in it.
func over(c Config) (args []string) {
	var tops []string
	for _, m := range c.Mounts {
		if !slices.Contains(tops, m.top()) {
			tops = append(tops, m.top())
		}
	}
	for _, top := range tops {
		args = append(args, "--perms", "0755", "--size", strconv.Itoa(furnitureSize), "--tmpfs", top)
		args = append(args, kept(c, top)...)
		for _, m := range c.Mounts {
			if m.top() == top {
				args = append(args, "--ro-bind", m.Source, m.Target)
			}
		}
		args = append(args, "--remount-ro", top)
	}
	return args
}

// kept are what an image has in a folder, but for what a mount is for.
func kept(c Config, top string) (args []string) {
	entries, err := os.ReadDir(filepath.Join(c.Root, top))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		name := filepath.Join(top, e.Name())
		if slices.ContainsFunc(c.Mounts, func(m Mount) bool { return m.Target == name || strings.HasPrefix(m.Target, name+"/") }) {
			continue
		}
		if to, err := os.Readlink(filepath.Join(c.Root, name)); err == nil {
			args = append(args, "--symlink", to, name)
			continue
		}
		args = append(args, "--ro-bind", filepath.Join(c.Root, name), name)
	}
	return args
}

// overImage puts the cell's own files over those of the image, which are there for it.
func (i *initial) overImage() error {
	for name, text := range etc {
		own := filepath.Join(furniture, name)
		if err := os.WriteFile(own, []byte(text), 0o644); err != nil {
			return err
		}
		if err := bindOver(own, "/etc/"+name); err != nil {
			return err
		}
	}
	if err := certify(ownBundle, i.spec.CA); err != nil {
		return err
	}
	if err := bindOver(ownBundle, bundle); err != nil {
		return err
	}
	var err error
	if i.java, err = i.trustForJava(ownBundle, furniture); err != nil {
		return err
	}
	return unix.Mount("", furniture, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "")
}

// bindOver has a file be seen where another one is, to read.
func bindOver(own, target string) error {
	if err := unix.Mount(own, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("putting the cell's own file over %s: %w", target, err)
	}
	return unix.Mount("", target, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "")
}

package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell"
)

// into puts layers onto a tree of its own, beside a file that is nobody's business.
func into(t *testing.T, b Budget, layers ...[]byte) (folder string, u *unpacking, err error) {
	t.Helper()
	dir := t.TempDir()
	folder = filepath.Join(dir, "tree")
	if err := errors.Join(os.Mkdir(folder, 0o755), os.WriteFile(filepath.Join(dir, "outside"), []byte("untouched"), 0o600)); err != nil {
		t.Fatal(err)
	}
	tr, err := openTree(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.close)
	u = unpackInto(tr, b)
	for _, l := range layers {
		if err = u.layer(bytes.NewReader(l)); err != nil {
			break
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "outside")); err != nil || string(text) != "untouched" {
		t.Errorf("the file outside: %q %v", text, err)
	}
	if there, _ := os.ReadDir(dir); len(there) != 2 {
		t.Errorf("beside the tree: %v", there)
	}
	return folder, u, err
}

func file(name, text string) entry { return entry{tar.Header{Name: name}, text} }

func link(name, to string) entry {
	return entry{Header: tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to}}
}

func hard(name, to string) entry {
	return entry{Header: tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: to}}
}

func kindOf(name string, flag byte) entry {
	return entry{Header: tar.Header{Name: name, Typeflag: flag}}
}

var roomy = Budget{Bytes: 1 << 20, Files: 100}

func TestWhatIsNoImageIsRefusedWhole(t *testing.T) {
	t.Parallel()
	for name, entries := range map[string][]entry{
		"a way up":                     {file("../outside", "evil")},
		"a way up in the middle":       {file("a/../../outside", "evil")},
		"a way up at the end":          {kindOf("a/..", tar.TypeDir)},
		"a hard link up":               {hard("a", "../outside")},
		"a hard link by an odd way":    {hard("a", "b/../../outside")},
		"a hard link to nothing":       {hard("a", "outside")},
		"a hard link to a folder":      {kindOf("d", tar.TypeDir), hard("a", "d")},
		"a hard link to the root":      {hard("a", "/")},
		"a hard link through a link":   {link("l", "../.."), hard("a", "l/../outside")},
		"a hard link over its target":  {file("d/x", "x"), hard("d", "d/x")},
		"a link that leads nowhere":    {link("l", "gone"), file("l/x", "evil")},
		"links in a circle":            {link("a", "b"), link("b", "a"), file("a/x", "evil")},
		"a link to a file as a folder": {file("f", "x"), link("l", "f"), file("l/x", "evil")},
		"a file as a folder":           {file("f", "x"), file("f/x", "evil")},
		"a whiteout of what is above":  {file(".wh...", "")},
		"a whiteout of the folder":     {file("a/.wh..", "")},
		"a name that is too long":      {file(strings.Repeat("a/", 2100)+"x", "x")},
		"a part that is too long":      {file(strings.Repeat("a", 300), "x")},
		"too deep":                     {file(strings.Repeat("a/", maxDepth)+"x", "x")},
		"a kind that nobody knows":     {kindOf("a", tar.TypeCont)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := into(t, roomy, archive(t, entries...)); !errors.Is(err, hotcell.ErrInvalid) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestLinksLeadBeneathTheRootAndNowhereElse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		layers [][]entry
		want   map[string]string
	}{
		"a whole path":         {[][]entry{{kindOf("etc", tar.TypeDir), link("l", "/etc"), file("l/x", "x")}}, map[string]string{"etc": "d", "etc/x": "fx", "l": "l/etc"}},
		"up and up":            {[][]entry{{link("l", "../../../.."), file("l/outside", "x")}}, map[string]string{"l": "l../../../..", "outside": "fx"}},
		"in a later layer":     {[][]entry{{kindOf("usr/lib", tar.TypeDir), link("lib", "usr/lib")}, {file("lib/x", "x")}}, map[string]string{"lib": "lusr/lib", "usr": "d", "usr/lib": "d", "usr/lib/x": "fx"}},
		"over a link":          {[][]entry{{file("f", "old"), link("l", "f")}, {file("l", "new")}}, map[string]string{"f": "fold", "l": "fnew"}},
		"a folder over a link": {[][]entry{{kindOf("d", tar.TypeDir), link("l", "d")}, {kindOf("l", tar.TypeDir), file("l/x", "x")}}, map[string]string{"d": "d", "l": "d", "l/x": "fx"}},
		"a hard link":          {[][]entry{{file("f", "x")}, {hard("h", "/f")}, {file("f", "new")}}, map[string]string{"f": "fnew", "h": "fx"}},
		"a hard link to a link": {
			[][]entry{{link("l", "/nowhere"), hard("h", "l")}}, map[string]string{"l": "l/nowhere", "h": "l/nowhere"},
		},
		"a whiteout":                    {[][]entry{{file("d/x", "x"), file("d/y", "y")}, {file("d/.wh.x", "")}}, map[string]string{"d": "d", "d/y": "fy"}},
		"a whiteout of a folder":        {[][]entry{{file("d/x", "x")}, {file(".wh.d", "")}}, map[string]string{}},
		"a whiteout of a link":          {[][]entry{{file("f", "f"), link("l", "f")}, {file(".wh.l", "")}}, map[string]string{"f": "ff"}},
		"a whiteout after its own":      {[][]entry{{file("x", "old")}, {file("x", "new"), file(".wh.x", "")}}, map[string]string{"x": "fnew"}},
		"a whiteout of nothing":         {[][]entry{{file("no/such/.wh.x", "")}}, map[string]string{}},
		"an opaque folder":              {[][]entry{{file("d/x", "x"), file("d/e/z", "z")}, {file("d/y", "y"), file("d/.wh..wh..opq", ""), file("d/w", "w")}}, map[string]string{"d": "d", "d/y": "fy", "d/w": "fw"}},
		"an opaque folder, deeper":      {[][]entry{{file("d/e/x", "x")}, {file("d/e/y", "y"), file("d/.wh..wh..opq", "")}}, map[string]string{"d": "d", "d/e": "d", "d/e/y": "fy"}},
		"notes of a layer's maker":      {[][]entry{{file(".wh..wh.plnk/x", "x"), file(".wh..wh.aufs", "")}}, map[string]string{".wh..wh.plnk": "d", ".wh..wh.plnk/x": "fx"}},
		"the same name twice":           {[][]entry{{file("x", "one"), file("x", "two")}}, map[string]string{"x": "ftwo"}},
		"a file where a folder is":      {[][]entry{{file("d/x", "x")}, {file("d", "f")}}, map[string]string{"d": "ff"}},
		"a folder where a file is":      {[][]entry{{file("d", "f")}, {kindOf("d", tar.TypeDir), file("d/x", "x")}}, map[string]string{"d": "d", "d/x": "fx"}},
		"a whole path as a name":        {[][]entry{{file("/a/x", "x"), file("./a/y", "y")}}, map[string]string{"a": "d", "a/x": "fx", "a/y": "fy"}},
		"devices, pipes and the root":   {[][]entry{{kindOf("./", tar.TypeDir), kindOf("c", tar.TypeChar), kindOf("b", tar.TypeBlock), kindOf("p", tar.TypeFifo)}}, map[string]string{}},
		"a link to the machine's files": {[][]entry{{link("l", "/../../../../etc/passwd"), file("l", "x")}}, map[string]string{"l": "fx"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var layers [][]byte
			for _, l := range c.layers {
				layers = append(layers, archive(t, l...))
			}
			folder, _, err := into(t, roomy, layers...)
			if err != nil {
				t.Fatal(err)
			}
			there := lies(t, folder)
			for name, want := range c.want {
				if there[name] != want {
					t.Errorf("%s is %q, want %q", name, there[name], want)
				}
			}
			if len(there) != len(c.want) {
				t.Errorf("there: %v", there)
			}
		})
	}
}

// TestNothingOfAnImageHasAPrivilege has files with every bit and attribute that there is.
func TestNothingOfAnImageHasAPrivilege(t *testing.T) {
	t.Parallel()
	su := file("su", "#!")
	su.Mode, su.Uid, su.Gid = 0o6755, 0, 0
	ping := file("ping", "#!")
	ping.Mode, ping.PAXRecords = 0o755, map[string]string{"SCHILY.xattr.security.capability": "\x01\x00\x00\x02", "SCHILY.xattr.user.note": "x"}
	shadow := file("shadow", "x")
	shadow.Mode = 0o600
	open := kindOf("open", tar.TypeDir)
	open.Mode = 0o7777
	folder, u, err := into(t, roomy, archive(t, su, ping, shadow, open, kindOf("null", tar.TypeChar)))
	if err != nil {
		t.Fatal(err)
	}
	if u.out != (Left{Devices: 1, Privileges: 2}) || u.out.String() == "" || (Left{}).String() != "" {
		t.Errorf("left out: %+v", u.out)
	}
	for name, want := range map[string]uint32{"su": 0o755, "ping": 0o755, "shadow": 0o644, "open": 0o755} {
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(folder, name), &st); err != nil || st.Mode&0o7777 != want || int(st.Uid) != os.Geteuid() {
			t.Errorf("%s: %o of %d, %v", name, st.Mode, st.Uid, err)
		}
		if n, err := unix.Llistxattr(filepath.Join(folder, name), nil); n > 0 {
			t.Errorf("%s has attributes: %d %v", name, n, err)
		}
	}
	if s, err := inspect(folder); err != nil || s.Files != 5 || s.Bytes != 5 {
		t.Errorf("%+v %v", s, err)
	}
}

// TestATreeIsLookedAtAfterwards has a tree that no unpacking of ours would make.
func TestATreeIsLookedAtAfterwards(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(string) error{
		"a pipe":        func(dir string) error { return unix.Mkfifo(filepath.Join(dir, "p"), 0o644) },
		"a setuid bit":  func(dir string) error { return os.Chmod(filepath.Join(dir, "f"), 0o755|os.ModeSetuid) },
		"a setgid bit":  func(dir string) error { return os.Chmod(filepath.Join(dir, "f"), 0o755|os.ModeSetgid) },
		"all may write": func(dir string) error { return os.Chmod(dir, 0o777) },
	} {
		dir := t.TempDir()
		if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(filepath.Join(dir, "f"), nil, 0o644)); err != nil {
			t.Fatal(err)
		}
		if _, err := inspect(dir); err != nil {
			t.Fatal(err)
		}
		if err := spoil(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := inspect(dir); !errors.Is(err, hotcell.ErrTampered) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABudgetEndsAnImage(t *testing.T) {
	t.Parallel()
	many := make([]entry, 30)
	for i := range many {
		many[i] = kindOf("d", tar.TypeDir)
	}
	sparse := archive(t, file("x", strings.Repeat("x", 2000)))
	for name, c := range map[string]struct {
		budget Budget
		layer  []byte
		ok     bool
	}{
		"just enough":        {Budget{2000, 1}, sparse, true},
		"one byte too many":  {Budget{1999, 1}, sparse, false},
		"thirty files":       {Budget{2000, 30}, archive(t, many...), true},
		"one file too many":  {Budget{2000, 29}, archive(t, many...), false},
		"the same again":     {Budget{3999, 9}, archive(t, file("x", strings.Repeat("x", 2000)), file("x", strings.Repeat("y", 2000))), false},
		"the same again, ok": {Budget{4000, 9}, archive(t, file("x", strings.Repeat("x", 2000)), file("x", strings.Repeat("y", 2000))), true},
	} {
		if _, _, err := into(t, c.budget, c.layer); (err == nil) != c.ok || err != nil && !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAnImageIsMadeFitToBeARoot has images that put links and files where a cell mounts.
func TestAnImageIsMadeFitToBeARoot(t *testing.T) {
	t.Parallel()
	for name, entries := range map[string][]entry{
		"nothing":     nil,
		"links":       {link("proc", "/etc"), link("dev", "usr"), link("tmp", "/var/tmp"), link("job", "../../.."), link("etc", "usr/etc"), link("home", "/root"), link("run", "run")},
		"files":       {file("proc", "x"), file("job", "x"), file("home", "x"), kindOf("etc/passwd", tar.TypeDir), link("etc/resolv.conf", "/run/resolv.conf"), link("etc/hosts", "/proc/1/environ")},
		"Red Hat's":   {kindOf("etc/pki/tls/certs", tar.TypeDir), link("etc/ssl/certs", "../pki/tls/certs"), file("etc/pki/tls/certs/ca-bundle.crt", "theirs"), file("bin/sh", "")},
		"Alpine's":    {file("etc/ssl/certs/ca-certificates.crt", "theirs"), link("etc/ssl/cert.pem", "certs/ca-certificates.crt")},
		"a link away": {kindOf("etc/ssl/certs", tar.TypeDir), link("etc/ssl/certs/ca-certificates.crt", "/outside")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder, u, err := into(t, roomy, archive(t, entries...))
			if err != nil {
				t.Fatal(err)
			}
			if shell, err := u.fit(); err != nil || shell {
				t.Fatal(shell, err)
			}
			there := lies(t, folder)
			for _, want := range ownFolders {
				if there[want] != "d" {
					t.Errorf("%s is %q", want, there[want])
				}
			}
			for _, want := range ownFiles {
				if there[want] == "" || there[want][0] != 'f' {
					t.Errorf("%s is %q", want, there[want])
				}
			}
			if there["etc/ssl/cert.pem"] != "l/"+Bundle {
				t.Errorf("Alpine's bundle is %q", there["etc/ssl/cert.pem"])
			}
			where := Bundle
			if name == "Red Hat's" {
				where = "etc/pki/tls/certs/ca-certificates.crt"
				if got := there["etc/pki/tls/certs/ca-bundle.crt"]; got != "l/"+Bundle {
					t.Errorf("Red Hat's bundle is %q", got)
				}
			}
			if got := there[where]; got == "" || got[0] != 'f' {
				t.Errorf("the bundle is %q", got)
			}
		})
	}
}

func TestAShellIsLookedForBeneathTheRoot(t *testing.T) {
	t.Parallel()
	sh := file("usr/bin/sh", "x")
	sh.Mode = 0o755
	for _, c := range []struct {
		entries []entry
		want    bool
	}{
		{[]entry{sh, link("bin", "/usr/bin")}, true}, {[]entry{sh, link("bin/sh", "../usr/bin/sh")}, true},
		{[]entry{link("bin/sh", "/usr/bin/sh")}, false}, {[]entry{file("bin/sh", "x")}, false},
	} {
		_, u, err := into(t, roomy, archive(t, c.entries...))
		if err != nil {
			t.Fatal(err)
		}
		if got := u.hasShell(); got != c.want {
			t.Errorf("%v: %v", c.entries, got)
		}
	}
}

// TestNoPanicAndNoWayOutByAnyBytes has archives that are damaged anywhere.
func FuzzLayer(f *testing.F) {
	f.Add(archive(f, file("a/x", "x"), link("l", "/a"), file("l/y", "y"), hard("h", "a/x"), file(".wh.a", "")))
	f.Fuzz(func(t *testing.T, layer []byte) {
		folder, _, err := into(t, roomy, layer)
		if err != nil && !errors.Is(err, hotcell.ErrInvalid) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
		if _, err := inspect(folder); err != nil {
			t.Error(err)
		}
	})
}

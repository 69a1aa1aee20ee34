package toolchain

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"hotcell"
)

// Registry is where packages come from: npm's, or one of the same kind.
type Registry struct {
	URL  string
	HTTP *http.Client
	// Token signs in; empty for nobody.
	Token string
}

// The bounds of a package: compressed, unpacked and in files.
const (
	maxPacked = 1 << 30
	maxTree   = 4 << 30
	maxFiles  = 100_000
	maxWait   = 20 * time.Minute
)

// address is that of a package's archive, as npm's registry lays them out.
func (r Registry) address(p Package) string {
	return strings.TrimRight(r.URL, "/") + "/" + p.Name + "/-/" + path.Base(p.Name) + "-" + p.Version + ".tgz"
}

// fetch gets a package and unpacks it, if it is the one that was written down. The
// archive lies in a folder meanwhile.
func (r Registry) fetch(ctx context.Context, p Package, folder, tree string) error {
	want, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(p.Integrity, "sha512-"))
	if err != nil || len(want) != sha512.Size {
		return fmt.Errorf("%w: the package %s has no SHA-512 to be held against", hotcell.ErrInvalid, p.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.address(p), nil)
	if err != nil {
		return fmt.Errorf("%w: the registry's address is not one", hotcell.ErrInvalid)
	}
	if r.Token != "" {
		request.Header.Set("Authorization", "Bearer "+r.Token)
	}
	client := r.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("%w: getting %s: %w", hotcell.ErrUnavailable, p.Name, err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: getting %s@%s: the registry answers %d", hotcell.ErrUnavailable, p.Name, p.Version, answer.StatusCode)
	}
	packed, err := os.CreateTemp(folder, "package")
	if err != nil {
		return err
	}
	defer func() { _ = packed.Close(); _ = os.Remove(packed.Name()) }()
	sum := sha512.New()
	n, err := io.Copy(io.MultiWriter(packed, sum), io.LimitReader(answer.Body, maxPacked+1))
	switch {
	case err != nil:
		return fmt.Errorf("%w: getting %s: %w", hotcell.ErrUnavailable, p.Name, err)
	case n > maxPacked:
		return fmt.Errorf("%w: the package %s has more than %d MiB", hotcell.ErrInvalid, p.Name, maxPacked>>20)
	case subtle.ConstantTimeCompare(sum.Sum(nil), want) != 1:
		return fmt.Errorf("%w: the package %s@%s is not the one that was written down: its SHA-512 differs, so it is not unpacked", hotcell.ErrTampered, p.Name, p.Version)
	}
	if _, err := packed.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return unpack(packed, tree)
}

// unpack unpacks an archive of npm's: files and folders, without the folder that all
// of them are in. Anything else, and any way out, refuses the whole.
func unpack(from io.Reader, tree string) error {
	plain, err := gzip.NewReader(from)
	if err != nil {
		return fmt.Errorf("%w: the package is no archive: %w", hotcell.ErrInvalid, err)
	}
	if err := os.Mkdir(tree, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(tree)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	archive, left, files := tar.NewReader(plain), int64(maxTree), 0
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: the package breaks off: %w", hotcell.ErrInvalid, err)
		}
		if files++; files > maxFiles || h.Size > left {
			return fmt.Errorf("%w: the package unpacks to more than is taken", hotcell.ErrInvalid)
		}
		left -= h.Size
		_, within, _ := strings.Cut(path.Clean(h.Name), "/")
		switch {
		case h.Typeflag == tar.TypeDir && within == "":
			continue
		case !filepath.IsLocal(within):
			return fmt.Errorf("%w: the package leads out of its folder", hotcell.ErrInvalid)
		case h.Typeflag == tar.TypeDir:
			err = root.MkdirAll(within, 0o755)
		case h.Typeflag == tar.TypeReg:
			err = file(root, within, h, archive)
		default:
			err = fmt.Errorf("%w: the package has %s, which is neither a file nor a folder", hotcell.ErrInvalid, path.Base(within))
		}
		if err != nil {
			return fmt.Errorf("unpacking a package: %w", err)
		}
	}
}

// file writes one file: for all to read, for all to run where its owner may.
func file(root *os.Root, name string, h *tar.Header, from io.Reader) error {
	mode := os.FileMode(0o644)
	if h.Mode&0o100 != 0 {
		mode = 0o755
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, from, h.Size)
	return errors.Join(err, f.Chmod(mode), f.Close())
}

package image

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"hotcell"
)

// maxMembers is how many files an archive of docker's may have.
const maxMembers = 4096

// Archive finds the image in an archive that `docker save` wrote, or podman. Its digest is
// what docker calls its id: that of its configuration, which has those of its layers.
//
// This is not the library's reader: that one unpacks layers here to know how long they
// are, and this process has files and a network.
func Archive(file string) (Content, error) {
	c := Content{Reference: "docker-archive:" + file}
	f, err := os.Open(file)
	if err != nil {
		return c, fmt.Errorf("%w: opening the archive: %w", hotcell.ErrInvalid, err)
	}
	defer func() { _ = f.Close() }()
	members, err := index(f)
	if err != nil {
		return c, err
	}
	text, err := members.read(f, "manifest.json", maxManifest)
	if err != nil {
		return c, err
	}
	var images []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := json.Unmarshal(text, &images); err != nil {
		return c, fmt.Errorf("%w: the archive's manifest is not understood: %w", hotcell.ErrInvalid, err)
	}
	if len(images) != 1 {
		return c, fmt.Errorf("%w: the archive has %d images: save one alone (docker save -o FILE IMAGE)", hotcell.ErrInvalid, len(images))
	}
	if text, err = members.read(f, images[0].Config, maxConfig); err != nil {
		return c, err
	}
	c.Digest = "sha256:" + sum(text)
	plain, err := c.configure(text)
	if err != nil {
		return c, err
	}
	if len(plain) != len(images[0].Layers) {
		return c, fmt.Errorf("%w: the image has %d layers, and digests for %d", hotcell.ErrInvalid, len(images[0].Layers), len(plain))
	}
	for n, name := range images[0].Layers {
		at, ok := members.find(name)
		if !ok {
			return c, fmt.Errorf("%w: the archive lacks layer %d", hotcell.ErrInvalid, n+1)
		}
		c.Layers = append(c.Layers, Layer{Plain: plain[n], Size: at.size, Open: at.opener(file)})
	}
	return c, nil
}

// section is where a member of an archive lies in its file; link is what it leads to.
type section struct {
	at, size int64
	link     string
}

func (s section) opener(file string) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{io.NewSectionReader(f, s.at, s.size), f}, nil
	}
}

// sections are the members of an archive by their names.
type sections map[string]section

// index reads where the members are.
func index(f *os.File) (sections, error) {
	out := sections{}
	archive := tar.NewReader(f)
	for n := 0; ; n++ {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: this is no archive that docker saved: %w", hotcell.ErrInvalid, err)
		}
		if n >= maxMembers {
			return nil, fmt.Errorf("%w: the archive has more than %d files", hotcell.ErrInvalid, maxMembers)
		}
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, fmt.Errorf("%w: the archive must be a file: %w", hotcell.ErrInvalid, err)
		}
		name := path.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeReg:
			out[name] = section{at: at, size: h.Size}
		case tar.TypeSymlink, tar.TypeLink: // a layer that two images have
			to := h.Linkname
			if h.Typeflag == tar.TypeSymlink {
				to = path.Dir(name) + "/" + to // a name in the archive, and no path
			}
			out[name] = section{link: path.Clean(to)}
		}
	}
}

func (s sections) find(name string) (section, bool) {
	at, ok := s[path.Clean(name)]
	if at.link != "" {
		at, ok = s[at.link]
	}
	return at, ok && at.link == ""
}

func (s sections) read(f io.ReaderAt, name string, most int64) ([]byte, error) {
	at, ok := s.find(name)
	if !ok {
		return nil, fmt.Errorf("%w: this is no archive that docker saved: it lacks %q", hotcell.ErrInvalid, shown(name))
	}
	return limitedRead(io.NewSectionReader(f, at.at, at.size), most)
}

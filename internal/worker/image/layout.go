package image

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"hotcell"
)

// refName is the annotation by which a layout's index names its images (OCI image
// specification, annotations.md).
const refName = "org.opencontainers.image.ref.name"

// Layout finds an image in a folder that is an OCI image layout; the tag may be empty
// where there is one image.
func Layout(ctx context.Context, folder, tag string) (Content, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return Content{}, fmt.Errorf("%w: opening the layout: %w", hotcell.ErrInvalid, err)
	}
	defer func() { _ = root.Close() }()
	c, err := find(ctx, &layout{root, folder, tag})
	if c.Reference = "oci:" + folder; tag != "" {
		c.Reference += ":" + tag
	}
	return c, err
}

// layout reads beneath its folder: no digest, and no link, leads out of it.
type layout struct {
	root   *os.Root
	folder string
	tag    string
}

func (l *layout) manifest(_ context.Context, digest string) ([]byte, types.MediaType, error) {
	if digest != "" {
		h, err := v1.NewHash(digest)
		if err != nil {
			return nil, "", fmt.Errorf("%w: the layout has a digest that is none", hotcell.ErrInvalid)
		}
		text, err := readSmall(l.root, blobPath(h), maxManifest)
		return text, "", err
	}
	text, err := readSmall(l.root, "index.json", maxManifest)
	if err != nil || l.tag == "" {
		return text, types.OCIImageIndex, err
	}
	return l.tagged(text)
}

// tagged is an index of what has the tag.
func (l *layout) tagged(text []byte) ([]byte, types.MediaType, error) {
	var index v1.IndexManifest
	if err := json.Unmarshal(text, &index); err != nil {
		return nil, "", fmt.Errorf("%w: the layout's index is not understood: %w", hotcell.ErrInvalid, err)
	}
	var found []v1.Descriptor
	for _, m := range index.Manifests {
		if m.Annotations[refName] == l.tag {
			found = append(found, m)
		}
	}
	if found == nil {
		return nil, "", fmt.Errorf("%w: the layout %s has no image that is called %q", hotcell.ErrNotFound, l.folder, l.tag)
	}
	index.Manifests = found
	text, err := json.Marshal(index)
	return text, types.OCIImageIndex, err
}

func blobPath(h v1.Hash) string { return path.Join("blobs", h.Algorithm, h.Hex) }

// blob opens the folder anew: layers are read when the layout is closed.
func (l *layout) blob(_ context.Context, digest v1.Hash, _ int64) (io.ReadCloser, error) {
	root, err := os.OpenRoot(l.folder)
	if err != nil {
		return nil, fmt.Errorf("opening the layout: %w", err)
	}
	defer func() { _ = root.Close() }()
	f, err := root.Open(blobPath(digest))
	if err != nil {
		return nil, fmt.Errorf("%w: the layout lacks a blob: %w", hotcell.ErrInvalid, err)
	}
	return f, nil
}

func readSmall(root *os.Root, name string, most int64) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w: the folder is no image layout: %w", hotcell.ErrInvalid, err)
	}
	defer func() { _ = f.Close() }()
	return limitedRead(f, most)
}

func limitedRead(from io.Reader, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(from, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%w: what describes the image is too long", hotcell.ErrInvalid)
	}
	return text, err
}

// Source is an image as people name it.
type Source struct {
	// Kind is "registry", "oci" or "docker-archive".
	Kind string
	// At is the reference, the folder or the file; Tag is a layout's.
	At, Tag string
}

// ParseSource reads REFERENCE, oci:FOLDER[:TAG] or docker-archive:FILE.
func ParseSource(text string) (s Source, err error) {
	if rest, ok := strings.CutPrefix(text, "oci:"); ok {
		s = Source{Kind: "oci", At: rest}
		if folder, tag, ok := strings.Cut(rest, ":"); ok {
			s.At, s.Tag = folder, tag
		}
	} else if rest, ok := strings.CutPrefix(text, "docker-archive:"); ok {
		s = Source{Kind: "docker-archive", At: rest}
	} else {
		s = Source{Kind: "registry", At: text}
		_, err = Host(text)
	}
	if s.At == "" {
		err = errReference(text)
	}
	return s, err
}

// Name is what an image is called where nobody says: the last part of what it is named by.
func (s Source) Name() string {
	at := s.At
	if s.Kind == "registry" {
		at, _, _ = strings.Cut(at, "@")
		if slash := strings.LastIndexByte(at, '/'); strings.LastIndexByte(at, ':') > slash {
			at = at[:strings.LastIndexByte(at, ':')]
		}
	}
	return strings.ToLower(strings.TrimSuffix(path.Base(at), ".tar"))
}

package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"hotcell"
)

// Content is an image that is to be unpacked.
type Content struct {
	// Reference is how people named it, and Digest what pins it: of its manifest, or of
	// its configuration where an archive of docker's has no manifest.
	Reference string
	Digest    string
	Config    v1.Config
	// Layers are from the lowest on.
	Layers []Layer
}

// Layer is one layer of an image.
type Layer struct {
	// Plain is the SHA-256 of what it unpacks to, in hex.
	Plain string
	// Size is that of its bytes as they are stored; -1 where that is not known.
	Size int64
	// Open reads it as it is stored.
	Open func(context.Context) (io.ReadCloser, error)
}

// The bounds of what describes an image, in bytes, of its layers, and of what is stored.
const (
	maxManifest = 4 << 20
	maxConfig   = 4 << 20
	maxLayers   = 256
	maxStored   = 16 << 30
)

// blobs is where images come from: a registry, or a folder that is laid out as one.
type blobs interface {
	// manifest reads a manifest, the one that was named without a digest.
	manifest(ctx context.Context, digest string) (text []byte, kind types.MediaType, err error)
	// blob opens what has that digest.
	blob(ctx context.Context, digest v1.Hash, size int64) (io.ReadCloser, error)
}

// maxIndexes is how many indexes may lead to one another.
const maxIndexes = 3

// find finds the image for this machine, and holds each description against its digest.
func find(ctx context.Context, in blobs) (c Content, err error) {
	digest := ""
	for range maxIndexes {
		text, kind, err := in.manifest(ctx, digest)
		if err != nil {
			return c, err
		}
		if len(text) > maxManifest {
			return c, fmt.Errorf("%w: the image's manifest is too long", hotcell.ErrInvalid)
		}
		is := "sha256:" + sum(text)
		if digest != "" && is != digest {
			return c, fmt.Errorf("%w: the image's manifest is not the one that was asked for: its SHA-256 differs", hotcell.ErrTampered)
		}
		if !isIndex(kind, text) {
			c.Digest = is
			return c, c.describe(ctx, in, text)
		}
		var index v1.IndexManifest
		if err := json.Unmarshal(text, &index); err != nil {
			return c, fmt.Errorf("%w: the image's index is not understood: %w", hotcell.ErrInvalid, err)
		}
		if digest, err = choose(index); err != nil {
			return c, err
		}
	}
	return c, fmt.Errorf("%w: the image's indexes lead to indexes", hotcell.ErrInvalid)
}

// isIndex says whether a manifest is one of several images.
func isIndex(kind types.MediaType, text []byte) bool {
	if kind != "" {
		return kind.IsIndex()
	}
	var it struct {
		Manifests json.RawMessage `json:"manifests"`
	}
	return json.Unmarshal(text, &it) == nil && it.Manifests != nil
}

// choose is the digest of the one for this machine.
func choose(index v1.IndexManifest) (string, error) {
	var offered []string
	for _, m := range index.Manifests {
		if m.Platform == nil && len(index.Manifests) == 1 || m.Platform != nil && m.Platform.OS == "linux" && m.Platform.Architecture == runtime.GOARCH {
			if m.Digest.Algorithm != "sha256" {
				break
			}
			return m.Digest.String(), nil
		}
		if m.Platform != nil && m.Platform.OS != "unknown" && !slices.Contains(offered, m.Platform.String()) {
			offered = append(offered, m.Platform.String())
		}
	}
	return "", fmt.Errorf("%w: the image is not for this machine, linux/%s; it is for %s", hotcell.ErrNotFound, runtime.GOARCH, strings.Join(offered, ", "))
}

// describe reads a manifest and the configuration that it names.
func (c *Content) describe(ctx context.Context, in blobs, text []byte) error {
	var m v1.Manifest
	if err := json.Unmarshal(text, &m); err != nil || m.Config.Digest.Algorithm != "sha256" || m.SchemaVersion != 2 {
		return fmt.Errorf("%w: the image's manifest is of no kind that is known", hotcell.ErrInvalid)
	}
	config, err := small(ctx, in, m.Config.Digest)
	if err != nil {
		return err
	}
	plain, err := c.configure(config)
	if err != nil {
		return err
	}
	if len(plain) != len(m.Layers) {
		return fmt.Errorf("%w: the image has %d layers, and digests for %d", hotcell.ErrInvalid, len(m.Layers), len(plain))
	}
	var stored int64
	for n, l := range m.Layers {
		if l.Digest.Algorithm != "sha256" || !l.MediaType.IsDistributable() {
			return fmt.Errorf("%w: layer %d of the image is kept elsewhere, or has no SHA-256", hotcell.ErrInvalid, n+1)
		}
		if l.Size < 0 || l.Size > maxStored-stored {
			return fmt.Errorf("%w: the image is larger than is taken", hotcell.ErrInvalid)
		}
		stored += l.Size
		c.Layers = append(c.Layers, Layer{Plain: plain[n], Size: l.Size, Open: func(ctx context.Context) (io.ReadCloser, error) {
			from, err := in.blob(ctx, l.Digest, l.Size)
			if err != nil {
				return nil, err
			}
			return &checked{from: from, left: l.Size, sum: sha256.New(), want: l.Digest.Hex}, nil
		}})
	}
	return nil
}

// small reads a configuration.
func small(ctx context.Context, in blobs, digest v1.Hash) ([]byte, error) {
	from, err := in.blob(ctx, digest, -1)
	if err != nil {
		return nil, err
	}
	defer func() { _ = from.Close() }()
	text, err := io.ReadAll(io.LimitReader(from, maxConfig+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: reading the image's configuration: %w", hotcell.ErrUnavailable, err)
	case len(text) > maxConfig:
		return nil, fmt.Errorf("%w: the image's configuration is too long", hotcell.ErrInvalid)
	case sum(text) != digest.Hex:
		return nil, fmt.Errorf("%w: the image's configuration is not the one that it names: its SHA-256 differs", hotcell.ErrTampered)
	}
	return text, nil
}

// configure reads a configuration, and returns the layers' digests.
func (c *Content) configure(text []byte) (plain []string, err error) {
	var f v1.ConfigFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("%w: the image's configuration is not understood: %w", hotcell.ErrInvalid, err)
	}
	if f.OS != "linux" || f.Architecture != runtime.GOARCH {
		return nil, fmt.Errorf("%w: the image is for %.40s/%.40s, and this machine is linux/%s", hotcell.ErrInvalid, f.OS, f.Architecture, runtime.GOARCH)
	}
	if len(f.RootFS.DiffIDs) == 0 || len(f.RootFS.DiffIDs) > maxLayers {
		return nil, fmt.Errorf("%w: an image has 1 to %d layers; this one has %d", hotcell.ErrInvalid, maxLayers, len(f.RootFS.DiffIDs))
	}
	for _, d := range f.RootFS.DiffIDs {
		if d.Algorithm != "sha256" || len(d.Hex) != 2*sha256.Size {
			return nil, fmt.Errorf("%w: a layer of the image has no SHA-256", hotcell.ErrInvalid)
		}
		plain = append(plain, d.Hex)
	}
	c.Config = f.Config
	return plain, nil
}

func sum(text []byte) string {
	s := sha256.Sum256(text)
	return hex.EncodeToString(s[:])
}

// checked reads what must have a length and a SHA-256: its end is an error where it has
// not.
type checked struct {
	from io.ReadCloser
	left int64
	sum  hash.Hash
	want string
}

func (c *checked) Read(into []byte) (int, error) {
	n, err := c.from.Read(into)
	c.sum.Write(into[:n])
	if c.left -= int64(n); c.left < 0 {
		return 0, fmt.Errorf("%w: a layer is longer than the image says", hotcell.ErrTampered)
	}
	if errors.Is(err, io.EOF) && (c.left != 0 || hex.EncodeToString(c.sum.Sum(nil)) != c.want) {
		return 0, fmt.Errorf("%w: a layer is not the one that the image names: its SHA-256 differs", hotcell.ErrTampered)
	}
	return n, err
}

func (c *checked) Close() error { return c.from.Close() }

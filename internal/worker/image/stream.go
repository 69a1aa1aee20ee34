package image

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"hotcell"
)

// order is what a process that unpacks is told first, as a line of JSON. The layers
// follow, the lowest first: each is pieces of bytes as they are stored, with their length
// before them (uint32, big endian), and an empty piece at its end.
type order struct {
	// Layers are the SHA-256 of each layer as it unpacks, in hex.
	Layers []string `json:"layers"`
	Budget Budget   `json:"budget"`
}

// report is what came of it.
type report struct {
	Left  Left `json:"left"`
	Shell bool `json:"shell"`
	// Refused is why the image is not taken; Fault is what went wrong otherwise.
	Refused string `json:"refused,omitempty"`
	Fault   string `json:"fault,omitempty"`
}

// The bounds of an order and a report, in bytes.
const (
	maxOrder  = 64 << 10
	maxReport = 16 << 10
	maxPiece  = 1 << 20
	// maxWindow is how much memory a zstd layer may ask for, in bytes.
	maxWindow = 128 << 20
)

// unpack fills a tree with what comes.
func unpack(t *tree, from io.Reader) (out report, err error) {
	in := bufio.NewReaderSize(from, maxOrder)
	line, err := in.ReadSlice('\n')
	if err != nil {
		return out, fmt.Errorf("reading the order: %w", err)
	}
	var o order
	if err := json.Unmarshal(line, &o); err != nil {
		return out, fmt.Errorf("reading the order: %w", err)
	}
	u := unpackInto(t, o.Budget)
	for n, want := range o.Layers {
		got, err := u.stored(&pieces{from: in})
		if err != nil {
			return out, err
		}
		if got != want {
			return out, fmt.Errorf("%w: layer %d does not unpack to what the image says: its SHA-256 differs", hotcell.ErrTampered, n+1)
		}
	}
	out.Shell, err = u.fit()
	out.Left = u.out
	return out, err
}

// stored puts a layer as it is stored onto the tree, and returns the SHA-256 of what it
// unpacks to.
func (u *unpacking) stored(from *pieces) (string, error) {
	plain, done, err := decompressed(from)
	if err != nil {
		return "", err
	}
	defer done()
	sum := sha256.New()
	// What stands between files costs too: an archive of headers alone ends as well.
	bounded := &bounded{from: io.TeeReader(plain, sum), left: u.left.Bytes + int64(u.left.Files)*(4<<10)}
	if err := u.layer(bounded); err != nil {
		return "", err
	}
	if _, err := io.Copy(io.Discard, bounded); err != nil {
		return "", broken(err)
	}
	if _, err := io.Copy(io.Discard, from); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func broken(err error) error {
	if errors.Is(err, hotcell.ErrInvalid) {
		return err
	}
	return fmt.Errorf("%w: a layer breaks off: %w", hotcell.ErrInvalid, err)
}

// The beginnings of what is compressed (RFC 1952, RFC 8878).
var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// decompressed is a layer as a tar archive, whatever its media type says.
func decompressed(from io.Reader) (plain io.Reader, done func(), err error) {
	in := bufio.NewReaderSize(from, 64<<10)
	magic, _ := in.Peek(len(zstdMagic))
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: a layer is no archive: %w", hotcell.ErrInvalid, err)
		}
		return z, func() { _ = z.Close() }, nil
	case bytes.Equal(magic, zstdMagic):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, fmt.Errorf("%w: a layer is no archive: %w", hotcell.ErrInvalid, err)
		}
		return z, z.Close, nil
	}
	return in, func() {}, nil
}

// bounded ends with an error where more comes than is taken.
type bounded struct {
	from io.Reader
	left int64
}

func (b *bounded) Read(into []byte) (int, error) {
	n, err := b.from.Read(into)
	if b.left -= int64(n); b.left < 0 {
		return 0, errBudget("bytes")
	}
	return n, err
}

// pieces reads one layer.
type pieces struct {
	from io.Reader
	left uint32
	over bool
}

func (p *pieces) Read(into []byte) (int, error) {
	if p.over {
		return 0, io.EOF
	}
	if p.left == 0 {
		var size [4]byte
		if _, err := io.ReadFull(p.from, size[:]); err != nil {
			return 0, fmt.Errorf("reading a layer: %w", err)
		}
		if p.left = binary.BigEndian.Uint32(size[:]); p.left == 0 {
			p.over = true
			return 0, io.EOF
		}
		if p.left > maxPiece {
			return 0, errors.New("reading a layer: a piece is too long")
		}
	}
	n, err := p.from.Read(into[:min(len(into), int(p.left))])
	p.left -= uint32(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// sendLayer writes a layer in pieces.
func sendLayer(to io.Writer, from io.Reader) error {
	piece := make([]byte, 4+(256<<10))
	for {
		n, err := io.ReadFull(from, piece[4:])
		if n > 0 {
			binary.BigEndian.PutUint32(piece, uint32(n))
			if _, err := to.Write(piece[:4+n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			_, err := to.Write([]byte{0, 0, 0, 0})
			return err
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errSource, err)
		}
	}
}

// errSource says that a layer could not be got.
var errSource = errors.New("getting a layer")

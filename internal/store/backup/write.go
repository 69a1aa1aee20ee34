package backup

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"hotcell/internal/value/sensitive"
)

// Part is one part of a backup that is being written: files, each by its name.
type Part struct {
	tar       *tar.Writer
	encrypted io.WriteCloser
	framed    *frames
}

func newPart(w io.Writer, to ...age.Recipient) (*Part, error) {
	framed := &frames{w: w}
	encrypted, err := age.Encrypt(framed, to...)
	if err != nil {
		return nil, fmt.Errorf("encrypting a backup: %w", err)
	}
	return &Part{tar.NewWriter(encrypted), encrypted, framed}, nil
}

// Create begins a file of a size in bytes; what is written to it must be as long.
func (p *Part) Create(name string, size int64) (io.Writer, error) {
	if err := p.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, Format: tar.FormatPAX}); err != nil {
		return nil, fmt.Errorf("writing a backup: %w", err)
	}
	return p.tar, nil
}

// Put writes a file of a size in bytes. One that became shorter meanwhile is an error.
func (p *Part) Put(name string, size int64, r io.Reader) error {
	to, err := p.Create(name, size)
	if err != nil {
		return err
	}
	n, err := io.Copy(to, io.LimitReader(r, size))
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("writing a backup: %w", err)
	}
	return nil
}

// Close ends the part.
func (p *Part) Close() error {
	if err := errors.Join(p.tar.Close(), p.encrypted.Close(), p.framed.Close()); err != nil {
		return fmt.Errorf("writing a backup: %w", err)
	}
	return nil
}

// NewVault begins a backup with the vault's part. Begin gets the recipient to whom the
// control plane's part is to be encrypted, once the keys of the backup are wrapped, and
// says where the backup goes.
func NewVault(begin func(control string) (io.Writer, error), m Manifest, to ...age.Recipient) (*Part, error) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("making a backup's key: %w", err)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	// Frames hold the header back until there is somewhere to write to.
	part, err := newPart(nil, to...)
	if err != nil {
		return nil, err
	}
	if part.framed.w, err = begin(key.Recipient().String()); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(part.framed.w, magic); err != nil {
		return nil, fmt.Errorf("writing a backup: %w", err)
	}
	private := []byte(key.String())
	defer sensitive.Wipe(private)
	return part, errors.Join(part.Bytes(EntryManifest, text), part.Bytes(entryKey, private))
}

// NewControl begins the control plane's part, behind the vault's.
func NewControl(w io.Writer, recipient string) (*Part, error) {
	to, err := age.ParseX25519Recipient(recipient)
	if err != nil {
		return nil, errors.New("beginning the second part of a backup: its recipient is none")
	}
	return newPart(w, to)
}

// Bytes writes a file that is in memory.
func (p *Part) Bytes(name string, b []byte) error { return p.Put(name, int64(len(b)), &memory{b}) }

// memory reads bytes without keeping others of them.
type memory struct{ b []byte }

// Read implements [io.Reader].
func (m *memory) Read(b []byte) (int, error) {
	if len(m.b) == 0 {
		return 0, io.EOF
	}
	n := copy(b, m.b)
	m.b = m.b[n:]
	return n, nil
}

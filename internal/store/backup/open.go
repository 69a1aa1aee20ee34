package backup

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"hotcell"
)

// Reader reads a backup, part by part. What it gives out before its end was
// authenticated chunk by chunk; that it is whole is known at the end alone: nothing is
// to come of it before [Reader.End].
type Reader struct {
	in       *bufio.Reader
	framed   *unframed
	plain    io.Reader
	tar      *tar.Reader
	control  age.Identity
	Manifest Manifest
}

// Open opens the vault's part and reads the manifest.
func Open(r io.Reader, by ...*Opener) (*Reader, error) {
	b := &Reader{in: bufio.NewReaderSize(r, maxFrame)}
	begin := make([]byte, len(magic))
	n, err := io.ReadFull(b.in, begin)
	switch {
	case string(begin) == magic:
	case n > 0 && n < len(magic) && strings.HasPrefix(magic, string(begin[:n])):
		return nil, ErrCut
	case strings.HasPrefix(string(begin), "hotcell-backup-v"):
		return nil, ErrNewer
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("reading the backup: %w", err)
	default:
		return nil, ErrForm
	}
	identities := make([]age.Identity, len(by))
	for i, one := range by {
		identities[i] = one
	}
	if err := b.part(by, identities...); err != nil {
		return nil, err
	}
	name, in, err := b.Next()
	if err == nil && name == EntryManifest {
		if b.Manifest, err = parse(in); err == nil {
			name, in, err = b.Next()
		}
	}
	if err != nil {
		return nil, b.wrong(err)
	}
	if name != entryKey {
		return nil, ErrChanged
	}
	return b, b.readKey(in)
}

func (b *Reader) readKey(in io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(in, 1<<10))
	if err != nil {
		return b.wrong(err)
	}
	if b.control, err = age.ParseX25519Identity(string(text)); err != nil {
		return ErrChanged // its error would hold it
	}
	return nil
}

// part begins to read a part.
func (b *Reader) part(by []*Opener, identities ...age.Identity) error {
	b.framed = &unframed{r: b.in}
	if len(identities) == 0 {
		return errNobody
	}
	plain, err := age.Decrypt(b.framed, identities...)
	if err == nil {
		b.plain, b.tar = plain, tar.NewReader(plain)
		return nil
	}
	if b.framed.wrong != nil {
		return b.framed.wrong
	}
	if _, nobody := errors.AsType[*age.NoIdentityMatchError](err); nobody {
		return noMatch(by)
	}
	return ErrChanged
}

var errNobody = fmt.Errorf("%w: nothing was given that could open a backup: name the vault's key (--config), --identity FILE or --passphrase-file FILE", hotcell.ErrInvalid)

// noMatch says why none of the openers opens a backup.
func noMatch(by []*Opener) error {
	var tried []string
	for _, one := range by {
		if one.why != nil {
			return one.why
		}
		tried = append(tried, one.of)
	}
	return fmt.Errorf("%w: %s does not open this backup: it was made for other recipients, or by another vault", hotcell.ErrDenied, strings.Join(tried, ", "))
}

func isNot(err error) bool { return errors.Is(err, age.ErrIncorrectIdentity) }

// Next is the next file of the part; [io.EOF] behind the last.
func (b *Reader) Next() (name string, in io.Reader, err error) {
	h, err := b.tar.Next()
	if errors.Is(err, io.EOF) && b.framed.wrong == nil {
		return "", nil, io.EOF
	}
	if err != nil {
		return "", nil, b.wrong(err)
	}
	if h.Typeflag != tar.TypeReg {
		return "", nil, ErrChanged
	}
	return h.Name, &entry{b}, nil
}

// entry reads the file that is next, and says what is wrong in our words.
type entry struct{ b *Reader }

// Read implements [io.Reader].
func (e *entry) Read(p []byte) (int, error) {
	n, err := e.b.tar.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = e.b.wrong(err)
	}
	return n, err
}

// wrong is what an error of the layers below means.
func (b *Reader) wrong(err error) error {
	switch {
	case b.framed.wrong != nil:
		return b.framed.wrong
	case errors.Is(err, hotcell.ErrTampered), errors.Is(err, hotcell.ErrInvalid):
		return err
	}
	return ErrChanged
}

// Control goes on to the control plane's part, behind the last file of the vault's.
func (b *Reader) Control() error {
	if err := b.drain(); err != nil {
		return err
	}
	return b.part(nil, b.control)
}

// End says whether the backup was whole, and nothing is behind it.
func (b *Reader) End() error {
	if err := b.drain(); err != nil {
		return err
	}
	if _, err := b.in.ReadByte(); !errors.Is(err, io.EOF) {
		return ErrTrailing
	}
	return nil
}

// drain reads what is left of a part: its last chunk says that it was whole.
func (b *Reader) drain() error {
	for {
		_, in, err := b.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, in); err != nil {
			return err
		}
	}
	// The archive ends before the last chunk does, which says that it is the last.
	if _, err := io.Copy(io.Discard, b.plain); err != nil {
		return b.wrong(err)
	}
	if n, err := io.Copy(io.Discard, b.framed); err != nil || n > 0 {
		return b.wrong(err)
	}
	return nil
}

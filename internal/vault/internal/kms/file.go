package kms

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell/internal/value/sensitive"
)

// File is a key in a local file: 32 random bytes as one line of text. What it
// wraps is a version byte, the key's id (8 bytes), a nonce (12) and AES-256-GCM.
type File struct {
	id  [8]byte
	gcm cipher.AEAD
}

const (
	fileMagic   = "hotcell-local-key-v1 "
	keySize     = 32
	fileSize    = len(fileMagic) + 44 + 1 // in bytes: base64 of the key, a line break
	fileVersion = 1
	fileHeader  = 1 + 8
)

// CreateFile makes a fresh key in a new file, or in one that is empty: a server
// that runs as root reserves it for the vault's uid. Of two that do so at once,
// one succeeds. It is on the disk when this returns.
func CreateFile(path string) (*File, error) {
	f, err := openFile(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, fmt.Errorf("making the key file: %w", err)
	}
	defer func() { _ = f.Close() }()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("making the key file: somebody else is at %s: %w", path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("making the key file: %w", err)
	}
	if info.Size() != 0 {
		return nil, fmt.Errorf("making the key file: %s is there already: %w", path, fs.ErrExist)
	}
	return fill(f, path)
}

// fill writes a fresh key, or leaves the file empty.
func fill(f *os.File, path string) (*File, error) {
	key := make([]byte, keySize)
	defer sensitive.Wipe(key)
	_, _ = rand.Read(key)
	line := make([]byte, 0, fileSize)
	line = append(line, fileMagic...)
	line = base64.StdEncoding.AppendEncode(line, key)
	line = append(line, '\n')
	defer sensitive.Wipe(line)
	_, err := f.Write(line)
	if err := errors.Join(err, f.Sync(), syncFolder(filepath.Dir(path))); err != nil {
		return nil, fmt.Errorf("writing the key file: %w", errors.Join(err, f.Truncate(0)))
	}
	return newFile(key)
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil // the folder is the parent's, which syncs it
	}
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// OpenFile opens the key in a file that nobody else can read. It is [ErrMissing]
// where there is no file, or only one that was reserved.
func OpenFile(path string) (*File, error) {
	f, err := openFile(path, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (%w)", missing(path, "is missing"), fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the key file: %w", err)
	}
	defer func() { _ = f.Close() }()
	text := make([]byte, fileSize+1) // one byte more, to see that there is no more
	defer sensitive.Wipe(text)
	n, err := io.ReadFull(f, text)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	if n == 0 {
		return nil, missing(path, "is empty")
	}
	return parseFile(text[:n], path)
}

func missing(path, how string) error {
	return fmt.Errorf("the key file %s %s, and nothing that was stored under it opens without: put it back from where you keep its copy: %w", path, how, ErrMissing)
}

// openFile opens a file of ours that is no symbolic link. It does not wait for
// the other end of a pipe.
func openFile(path string, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("%s is a symbolic link: put the file itself there", path)
	}
	if err != nil {
		return nil, err
	}
	if err := checkFile(f, path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func parseFile(text []byte, path string) (*File, error) {
	damaged := fmt.Errorf("the key file %s is damaged: put it back from where you keep its copy", path)
	encoded, found := bytes.CutPrefix(text, []byte(fileMagic))
	encoded, ended := bytes.CutSuffix(encoded, []byte("\n"))
	if !found || !ended || len(text) != fileSize || bytes.ContainsAny(encoded, "\r\n") {
		return nil, damaged // the decoder would skip line breaks
	}
	key := make([]byte, base64.StdEncoding.DecodedLen(len(encoded)))
	defer sensitive.Wipe(key)
	n, err := base64.StdEncoding.Strict().Decode(key, encoded)
	if err != nil || n != keySize {
		return nil, damaged // the error would tell of the content
	}
	return newFile(key[:n])
}

func newFile(key []byte) (*File, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("using the key: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("using the key: %w", err)
	}
	k := &File{gcm: gcm}
	hash := sha256.New()
	_, _ = hash.Write([]byte("hotcell local key id"))
	_, _ = hash.Write(key)
	copy(k.id[:], hash.Sum(nil))
	return k, nil
}

// checkFile refuses a file that is looser than 0600 or not ours.
func checkFile(f *os.File, path string) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return fmt.Errorf("looking at the key file: %w", err)
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return fmt.Errorf("%s is not a file", path)
	case int(st.Uid) != os.Geteuid():
		return fmt.Errorf("%s belongs to the uid %d, and this process is %d: run chown %d %s", path, st.Uid, os.Geteuid(), os.Geteuid(), shellQuote(path))
	case st.Mode&^unix.S_IFMT&^0o600 != 0:
		return fmt.Errorf("%s has the mode %04o, and only its owner may have a part in it: run chmod 600 %s", path, st.Mode&^unix.S_IFMT, shellQuote(path))
	}
	return nil
}

var plainPath = regexp.MustCompile(`^[\w/.,:@%+-]+$`)

func shellQuote(path string) string {
	if plainPath.MatchString(path) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// ID implements [Key].
func (k *File) ID() string { return "local:" + base64.RawURLEncoding.EncodeToString(k.id[:]) }

// Wrap implements [Key].
func (k *File) Wrap(_ context.Context, plaintext, associatedData []byte) ([]byte, error) {
	header := append([]byte{fileVersion}, k.id[:]...)
	nonce := make([]byte, k.gcm.NonceSize())
	_, _ = rand.Read(nonce)
	return k.gcm.Seal(append(header, nonce...), nonce, plaintext, bound(header, associatedData)), nil
}

// Unwrap implements [Key].
func (k *File) Unwrap(_ context.Context, wrapped, associatedData []byte) (sensitive.Bytes, error) {
	if len(wrapped) < fileHeader+k.gcm.NonceSize() || wrapped[0] != fileVersion {
		return sensitive.Bytes{}, ErrRefused
	}
	header, rest := wrapped[:fileHeader], wrapped[fileHeader:]
	if string(header[1:]) != string(k.id[:]) {
		return sensitive.Bytes{}, fmt.Errorf("%w: it was wrapped under another key than %s", ErrRefused, k.ID())
	}
	nonce, sealed := rest[:k.gcm.NonceSize()], rest[k.gcm.NonceSize():]
	plaintext, err := k.gcm.Open(nil, nonce, sealed, bound(header, associatedData))
	if err != nil {
		return sensitive.Bytes{}, ErrRefused
	}
	return sensitive.New(plaintext), nil
}

// bound is the associated data with the header in front, so that neither can
// be changed.
func bound(header, associatedData []byte) []byte {
	return append(append([]byte(nil), header...), associatedData...)
}

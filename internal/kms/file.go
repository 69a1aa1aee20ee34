package kms

import (
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
	"strings"

	"golang.org/x/sys/unix"

	"hotcell/internal/sensitive"
)

// File is a key in a local file: 32 random bytes as one line of text. What it
// wraps is a version byte, the key's id (8 bytes), a nonce (12) and AES-256-GCM.
type File struct {
	id  [8]byte
	gcm cipher.AEAD
}

const (
	fileMagic   = "hotcell-local-key-v1 "
	fileVersion = 1
	fileHeader  = 1 + 8
)

// CreateFile makes a fresh key in a new file, or in one that is empty: a server
// that runs as root reserves it for the vault's uid. It is on the disk when
// this returns.
func CreateFile(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making the key file: %w", err)
	}
	defer func() { _ = f.Close() }()
	if err := checkFile(f, path); err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.Size() != 0 {
		return nil, errors.Join(fmt.Errorf("making the key file: %s is there already", path), err)
	}
	key := make([]byte, 32)
	defer sensitive.Wipe(key)
	_, _ = rand.Read(key)
	line := base64.StdEncoding.AppendEncode([]byte(fileMagic), key)
	defer sensitive.Wipe(line)
	if _, err := f.Write(append(line, '\n')); err != nil {
		return nil, fmt.Errorf("writing the key file: %w", err)
	}
	if err := errors.Join(f.Sync(), syncFolder(filepath.Dir(path))); err != nil {
		return nil, fmt.Errorf("writing the key file: %w", err)
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

// OpenFile opens the key in a file that nobody else can read.
func OpenFile(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	switch {
	case errors.Is(err, unix.ELOOP):
		return nil, fmt.Errorf("the key file %s is a symbolic link: put the file itself there", path)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the key file %s is missing: without it nothing that was stored can be opened; put it back from where you keep its copy: %w", path, fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("opening the key file: %w", err)
	}
	defer func() { _ = f.Close() }()
	if err := checkFile(f, path); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	defer sensitive.Wipe(text)
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	return parseFile(text, path)
}

func parseFile(text []byte, path string) (*File, error) {
	damaged := fmt.Errorf("the key file %s is damaged: put it back from where you keep its copy", path)
	// A reading of the text as a string would leave a copy behind.
	if len(text) != len(fileMagic)+44+1 || string(text[:len(fileMagic)]) != fileMagic || text[len(text)-1] != '\n' {
		return nil, damaged
	}
	key := make([]byte, base64.StdEncoding.DecodedLen(44))
	defer sensitive.Wipe(key)
	n, err := base64.StdEncoding.Strict().Decode(key, text[len(fileMagic):len(text)-1])
	if err != nil || n != 32 {
		return nil, damaged
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
	sum := sha256.Sum256(append([]byte("hotcell local key id"), key...))
	copy(k.id[:], sum[:])
	return k, nil
}

// checkFile refuses a file that others can read or that is not ours.
func checkFile(f *os.File, path string) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return fmt.Errorf("looking at the key file: %w", err)
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return fmt.Errorf("the key file %s is not a file", path)
	case st.Mode&0o077 != 0:
		return fmt.Errorf("the key file %s can be read by others (mode %04o): run chmod 600 %s", path, st.Mode&0o777, shellQuote(path))
	case int(st.Uid) != os.Geteuid():
		return fmt.Errorf("the key file %s belongs to the uid %d, and the vault runs as %d: run chown %d %s", path, st.Uid, os.Geteuid(), os.Geteuid(), shellQuote(path))
	}
	return nil
}

func shellQuote(path string) string {
	if strings.ContainsAny(path, " '\"$`\\&;|<>()*?[]#~!") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
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

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
	path string // as people know it
	id   [8]byte
	gcm  cipher.AEAD
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
func CreateFile(path string) (*File, error) { return createFileAt(path, path) }

func createFileAt(shown, path string) (*File, error) {
	f, err := openFile(shown, path, os.O_RDWR|os.O_CREATE, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault(ErrUnusable, "the key file %s cannot be made: its folder is not there", shown)
	}
	if err != nil {
		return nil, inFile(shown, err)
	}
	defer func() { _ = f.Close() }()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("making the key file: somebody else is at %s: %w", shown, err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("making the key file: %w", err)
	}
	if info.Size() != 0 {
		return nil, fmt.Errorf("making the key file: %s is there already: %w", shown, fs.ErrExist)
	}
	return fill(f, path, shown)
}

// fill writes a fresh key, or leaves the file empty.
func fill(f *os.File, path, shown string) (*File, error) {
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
	return newFile(key, shown)
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
// where there is no file, or only one that was reserved. Each thing that can be
// wrong with it is a sentence of its own, a [Fault].
func OpenFile(path string) (*File, error) { return openFileAt(path, path, false) }

// openFileAt opens the key file that people know as shown, and that this process
// sees at another path.
func openFileAt(shown, path string, trial bool) (*File, error) {
	f, err := openFile(shown, path, os.O_RDONLY, trial)
	if err != nil {
		return nil, inFile(shown, err)
	}
	defer func() { _ = f.Close() }()
	text := make([]byte, fileSize+1) // one byte more, to see that there is no more
	defer sensitive.Wipe(text)
	n, err := io.ReadFull(f, text)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, inFile(shown, err)
	}
	if n == 0 {
		return nil, lost(shown, "is empty", nil)
	}
	return parseFile(text[:n], shown)
}

// LookAtFile says what is wrong with a key file without reading it: for whoever
// starts the process that will, and may see what that cannot.
func LookAtFile(path string) error {
	f, err := os.OpenFile(path, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return inFile(path, err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return inFile(path, err)
	}
	return inFile(path, kindOf(info.Mode()))
}

// What a key file can be instead of a file.
var (
	errLink   = errors.New("it is a symbolic link: put the file itself there")
	errFolder = errors.New("it is a folder: move that away, and put the key file there")
	errNoFile = errors.New("it is not a file: move that away, and put the key file there")
)

func kindOf(mode fs.FileMode) error {
	switch {
	case mode.IsRegular():
		return nil
	case mode&fs.ModeSymlink != 0:
		return errLink
	case mode.IsDir():
		return errFolder
	}
	return errNoFile
}

// inFile is the sentence for what the system says of a key file.
func inFile(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return lost(path, "is missing", fs.ErrNotExist)
	case errors.Is(err, unix.ELOOP):
		err = errLink
	case errors.Is(err, unix.EISDIR):
		err = errFolder
	case errors.Is(err, fs.ErrPermission):
		err = fmt.Errorf("this process may not read it: run chmod 600 %s, and see that its folder can be entered", shellQuote(path))
	}
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		err = inner.Err // the path is said, and may be another in this process
	}
	return fault(ErrUnusable, "the key file %s cannot be used: %w", path, err)
}

// lost is the sentence for a key that is not there, or not any more.
func lost(path, how string, cause error) error {
	const then = "what is stored opens with that key and with no other: put it back from where you keep its copy"
	if cause != nil {
		return fault(ErrMissing, "the key file %s %s; %s (%w)", path, how, then, cause)
	}
	return fault(ErrMissing, "the key file %s %s; %s", path, how, then)
}

// openFile opens a file of ours that is no symbolic link. It does not wait for
// the other end of a pipe.
func openFile(shown, path string, flags int, trial bool) (*os.File, error) {
	f, err := os.OpenFile(path, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	if err := checkFile(f, shown, trial); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func parseFile(text []byte, path string) (*File, error) {
	damaged := fault(ErrUnusable, "the key file %s is damaged, or something else than a key file: put the key back from where you keep its copy", path)
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
	return newFile(key[:n], path)
}

func newFile(key []byte, path string) (*File, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("using the key: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("using the key: %w", err)
	}
	k := &File{path: path, gcm: gcm}
	hash := sha256.New()
	_, _ = hash.Write([]byte("hotcell local key id"))
	_, _ = hash.Write(key)
	copy(k.id[:], hash.Sum(nil))
	return k, nil
}

// checkFile refuses a file that is looser than 0600 or not ours. In a trial by root
// it may be anybody's: the server hands it to its vault when it starts.
func checkFile(f *os.File, shown string, trial bool) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := kindOf(info.Mode()); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return err
	}
	switch us := os.Geteuid(); {
	case int(st.Uid) != us && (us != 0 || !trial):
		return fmt.Errorf("it belongs to the uid %d, and this process is %d: run chown %d %s", st.Uid, us, us, shellQuote(shown))
	case st.Mode&^unix.S_IFMT&^0o600 != 0:
		return fmt.Errorf("it has the mode %04o, and only its owner may have a part in it: run chmod 600 %s", st.Mode&^unix.S_IFMT, shellQuote(shown))
	case st.Mode&0o400 == 0:
		return fs.ErrPermission // root may read it all the same, and its vault not
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
	if kind := kindOfWrapped(wrapped); kind != "" {
		return sensitive.Bytes{}, otherKind(kind, "the key file "+k.path)
	}
	if len(wrapped) > 0 && wrapped[0] == promptVersion {
		return sensitive.Bytes{}, otherKind("the kind of a passphrase (prompt)", "the key file "+k.path)
	}
	if len(wrapped) < fileHeader+k.gcm.NonceSize() || wrapped[0] != fileVersion {
		return sensitive.Bytes{}, k.refuses()
	}
	header, rest := wrapped[:fileHeader], wrapped[fileHeader:]
	if string(header[1:]) != string(k.id[:]) {
		return sensitive.Bytes{}, fault(ErrRefused, "the key file %s is not the one of this vault: it is the key %s, and what is stored here was wrapped under local:%s: put that one back",
			k.path, k.ID(), base64.RawURLEncoding.EncodeToString(header[1:]))
	}
	nonce, sealed := rest[:k.gcm.NonceSize()], rest[k.gcm.NonceSize():]
	plaintext, err := k.gcm.Open(nil, nonce, sealed, bound(header, associatedData))
	if err != nil {
		return sensitive.Bytes{}, k.refuses()
	}
	return sensitive.New(plaintext), nil
}

func (k *File) refuses() error {
	return fault(ErrRefused, "the key file %s does not open what is stored here: its bytes are not those that this key wrapped", k.path)
}

// bound is the associated data with the header in front, so that neither can
// be changed.
func bound(header, associatedData []byte) []byte {
	return append(append([]byte(nil), header...), associatedData...)
}

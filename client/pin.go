package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"hotcell"
)

// Shown is what a server shows of itself.
type Shown struct {
	// Key is the fingerprint of the key that values are sealed to.
	Key string
	// Identity is the fingerprint of the identity that signed the key, as the one of
	// that Sequence; empty for a server of old, which has none.
	Identity string
	Sequence uint64
	// Vouch has the holder of Key say that Identity is its own.
	Vouch func() error
}

// Pin holds what a server shows of itself against what was seen first.
type Pin interface {
	// Check fails where the server is another than it was. The server is named by
	// where it is reached, never by what it says of itself: who answers in its place
	// could say anything.
	Check(server string, shown Shown) error
}

// PinError says that a server is not the one that was pinned. It is a
// [hotcell.ErrDenied].
type PinError struct {
	Server, File, Before, Now string
	// Older is true where the key is one that the identity signed before the newest.
	Older bool
}

func (e *PinError) Error() string {
	if e.Older {
		return fmt.Sprintf("the server at %s shows a key from before its newest one, which somebody else may have (%s before, %s now): nothing was sent", e.Server, e.Before, e.Now)
	}
	return fmt.Sprintf("the key of the server at %s is not the one that was pinned (%s before, %s now): nothing was sent", e.Server, e.Before, e.Now)
}

// Is makes every PinError a [hotcell.ErrDenied].
func (e *PinError) Is(target error) bool { return target == hotcell.ErrDenied }

// PinFile keeps pins in a file of the user's own.
type PinFile string

// Check implements [Pin]. A server that is not in the file yet is added. What is pinned
// is its identity and the number of the newest key that it signed; of a server of old,
// the key itself, until the key's holder vouches for an identity.
func (p PinFile) Check(server string, shown Shown) error {
	pins, err := p.All()
	if err != nil {
		return err
	}
	was := pins[server]
	identity, number, identified := strings.Cut(was, " ")
	sequence, _ := strconv.ParseUint(number, 10, 64)
	now := shown.Key
	if shown.Identity != "" {
		now = shown.Identity + " " + strconv.FormatUint(shown.Sequence, 10)
	}
	switch {
	case was == now:
		return nil
	case was == "":
	case identified && identity == shown.Identity && shown.Sequence < sequence:
		return &PinError{Server: server, File: string(p), Before: was, Now: now, Older: true}
	case identified && identity == shown.Identity:
	case !identified && was == shown.Key && shown.Vouch != nil:
		if err := shown.Vouch(); err != nil {
			return err
		}
	default:
		return &PinError{Server: server, File: string(p), Before: was, Now: now}
	}
	pins[server] = now
	return p.write(pins)
}

// All are the servers that were seen, by where they are reached: the fingerprint of the
// identity, and behind a space the number of its newest key.
func (p PinFile) All() (map[string]string, error) {
	pins := map[string]string{}
	text, err := os.ReadFile(string(p))
	if err == nil {
		err = json.Unmarshal(text, &pins)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the pinned keys in %s: %w", string(p), err)
	}
	return pins, nil
}

// Forget takes a server out of the file, and returns the fingerprint that it had
// there; empty where there was none.
func (p PinFile) Forget(server string) (was string, err error) {
	pins, err := p.All()
	if err != nil || pins[server] == "" {
		return "", err
	}
	was = pins[server]
	delete(pins, server)
	return was, p.write(pins)
}

func (p PinFile) write(pins map[string]string) error {
	text, err := json.MarshalIndent(pins, "", "  ")
	if err != nil {
		return fmt.Errorf("pinning the server's key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(string(p)), 0o700); err != nil {
		return fmt.Errorf("pinning the server's key: %w", err)
	}
	// Several commands may pin at once; each writes a file of its own, for its
	// owner alone.
	temporary, err := os.CreateTemp(filepath.Dir(string(p)), ".pins-*")
	if err != nil {
		return fmt.Errorf("pinning the server's key: %w", err)
	}
	_, err = temporary.Write(append(text, '\n'))
	if err := errors.Join(err, temporary.Close(), os.Rename(temporary.Name(), string(p))); err != nil {
		_ = os.Remove(temporary.Name())
		return fmt.Errorf("pinning the server's key: %w", err)
	}
	return nil
}

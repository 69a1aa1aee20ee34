package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hotcell"
)

// Pin holds the key that a server's values are sealed to against the one that
// was seen first.
type Pin interface {
	// Check fails where the server showed another key before. The server is
	// named by where it is reached, never by what it says of itself: who answers
	// in its place could say anything.
	Check(server, fingerprint string) error
}

// PinError says that a server's key is not the one that was pinned. It is a
// [hotcell.ErrDenied].
type PinError struct {
	Server, File, Before, Now string
}

func (e *PinError) Error() string {
	return fmt.Sprintf("the key of the server at %s is not the one that was pinned (%s before, %s now): nothing was sent", e.Server, e.Before, e.Now)
}

// Is makes every PinError a [hotcell.ErrDenied].
func (e *PinError) Is(target error) bool { return target == hotcell.ErrDenied }

// PinFile keeps pins in a file of the user's own.
type PinFile string

// Check implements [Pin]. A server that is not in the file yet is added.
func (p PinFile) Check(server, fingerprint string) error {
	pins, err := p.All()
	if err != nil {
		return err
	}
	switch pins[server] {
	case fingerprint:
		return nil
	case "":
		pins[server] = fingerprint
		return p.write(pins)
	}
	return &PinError{server, string(p), pins[server], fingerprint}
}

// All are the fingerprints of the servers that were seen, by where they are reached.
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

package profile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/zalando/go-keyring"

	"hotcell"
	"hotcell/internal/line/border"
)

// patience is how long the keyring may take. One that is locked asks its person
// meanwhile, on a screen that may not be there.
const patience = 10 * time.Second

// Keyring is the system's place for passwords. Its methods may take as long as they like.
type Keyring interface {
	Set(account, text string) error
	// Get returns an empty text where nothing is kept.
	Get(account string) (string, error)
	Delete(account string) error
}

// errNoKeyring says that this machine has no keyring.
var errNoKeyring = errors.New("this machine has no keyring")

// bounded does something with the keyring, and leaves it where it takes too long.
func (s *Store) bounded(ctx context.Context, do func(Keyring) error) error {
	if s.keyring == nil {
		return errNoKeyring
	}
	ctx, stop := context.WithTimeout(ctx, s.patience)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- border.Run("the keyring", func() error { return do(s.keyring) }) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("asking the system's keyring: %w", ctx.Err())
	}
}

func (s *Store) set(ctx context.Context, account string, bearer hotcell.Bearer) error {
	return s.bounded(ctx, func(k Keyring) error { return k.Set(account, string(bearer)) })
}

func (s *Store) get(ctx context.Context, p Profile) (hotcell.Bearer, error) {
	came := make(chan string, 1)
	err := s.bounded(ctx, func(k Keyring) error {
		text, err := k.Get(account(p))
		came <- text
		return err
	})
	if err != nil {
		return "", fmt.Errorf("%w: the system's keyring, which has the bearer for %s, does not answer: %w", hotcell.ErrUnavailable, p.URL, err)
	}
	text := <-came
	if text == "" {
		return "", errNone(p)
	}
	return hotcell.Bearer(text), nil
}

func (s *Store) unset(ctx context.Context, account string) error {
	err := s.bounded(ctx, func(k Keyring) error { return k.Delete(account) })
	if err != nil {
		return fmt.Errorf("%w: the system's keyring did not forget the bearer: %w", hotcell.ErrUnavailable, err)
	}
	return nil
}

// System is the keyring of this machine: the Secret Service of a Linux desktop, the
// Keychain of macOS, the Credential Manager of Windows.
type System struct{}

// service is what entries are filed under.
const service = "hotcell"

// Set implements [Keyring].
func (System) Set(account, text string) error {
	if !there() {
		return errNoKeyring
	}
	return keyring.Set(service, account, text)
}

// Get implements [Keyring].
func (System) Get(account string) (string, error) {
	if !there() {
		return "", errNoKeyring
	}
	text, err := keyring.Get(service, account)
	if errors.Is(err, keyring.ErrNotFound) {
		return "", nil
	}
	return text, err
}

// Delete implements [Keyring].
func (System) Delete(account string) error {
	if !there() {
		return errNoKeyring
	}
	if err := keyring.Delete(service, account); !errors.Is(err, keyring.ErrNotFound) {
		return err
	}
	return nil
}

// there says whether a keyring can be asked. Without a bus of its session, Linux would
// start one for this (dbus-launch) and leave it behind.
func there() bool {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		return true
	}
	if at := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); at != "" {
		return !strings.HasPrefix(at, "autolaunch:")
	}
	info, err := os.Stat(filepath.Join("/run/user", strconv.Itoa(os.Getuid()), "bus"))
	return err == nil && info.Mode().Type() == os.ModeSocket
}

package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"hotcell"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/kms"
)

// KeyEnvironment is where credentials for a key service come from.
type KeyEnvironment = kms.Environment

// KeyVariables are the names of variables that credentials for key services come from.
func KeyVariables() []string { return kms.Variables() }

// GatherKey opens what credentials for a key's service come from, while it can be seen.
func GatherKey(name string, variables map[string]string) *KeyEnvironment {
	return kms.Gather(name, variables)
}

// KeyFile is the path of the local key file that a URL names; empty where it names
// another kind of key.
func KeyFile(name string) string { return kms.FilePath(name) }

// KeyIsRemote says whether a URL names a key in a service, which can be out of reach.
func KeyIsRemote(name string) bool { return kms.Remote(name) }

// KeySurvives says whether the key that a URL names is elsewhere than on this machine: a
// lost disk is then no lost vault, and a backup that the key alone opens is of use.
func KeySurvives(name string) bool { return kms.Remote(name) || KeyIsPrompt(name) }

// KeyIsPrompt says whether a key is a passphrase, which somebody has to be asked for.
func KeyIsPrompt(name string) bool { return name == kms.Prompt }

// PassphraseVariable is where it stands among the variables of [GatherKey], in base64.
const PassphraseVariable = kms.PassphraseVariable

// defaultWarm is for how long what a service opened serves after it last answered.
const defaultWarm = time.Hour

func (c Config) key() kms.Config {
	return kms.Config{URL: c.KeyURL, Inside: c.KeyInside, Environment: c.KeyEnvironment, Roots: c.Roots, Now: c.Now}
}

// warm is for how long keys serve after the service last answered; 0 is for ever, where
// the key is at hand itself.
func (c Config) warm() time.Duration {
	if !kms.Remote(c.KeyURL) {
		return 0
	}
	return cmp.Or(c.KeyWarm, defaultWarm)
}

// keyProblem is what keeps the KMS from opening the keys, as it was last found; empty
// for nothing. Nobody is asked for it.
func (d *Daemon) keyProblem() string {
	switch s := d.vault.Keys(); {
	case s.Problem == nil:
		return ""
	case s.Warm:
		return fmt.Sprintf("the keys that are open serve until %s, and then nothing is used: %v", s.Until.UTC().Format(time.TimeOnly+" UTC"), s.Problem)
	default:
		return fmt.Sprintf("the keys are closed and nothing is used: %v", s.Problem)
	}
}

// openKey opens the KMS key. Only a store in which nothing is sealed yet gets a
// fresh one: a key that was lost must never be replaced silently.
func openKey(ctx context.Context, c Config) (kms.Key, error) {
	key, err := kms.Open(ctx, c.key())
	if !errors.Is(err, kms.ErrMissing) {
		return key, err
	}
	var spaces []hotcell.Workspace
	if failed := c.Store.View(ctx, func(r hotcell.VaultReader) (err error) {
		spaces, err = r.Workspaces()
		return err
	}); failed != nil {
		return nil, fmt.Errorf("reading workspaces: %w", failed)
	}
	if len(spaces) > 0 {
		return nil, err
	}
	return kms.Create(ctx, c.key())
}

// keySentence leaves of an error what is wrong with the key, where that is it: the
// whole sentence, without the steps that led there.
func keySentence(err error) error {
	if f, ok := errors.AsType[*kms.Fault](err); ok {
		return f
	}
	return err
}

// LookAtKey says what is wrong with a local key file, without reading it: for a
// process that sees it, and is about to become one that may see it and nothing else.
func LookAtKey(path string) error { return kms.LookAtFile(path) }

// TryKey wraps and unwraps something with the key that c names, and unwraps what the
// store has under it, where there is one: what `hotcell doctor` asks. It writes
// nothing. What it returns names the key.
func TryKey(ctx context.Context, c Config, read func(context.Context, func(hotcell.VaultReader) error) error) (id string, err error) {
	tried := c.key()
	tried.Trial = true
	key, err := kms.Open(ctx, tried)
	if err != nil {
		return "", err
	}
	if err := door.TryKey(ctx, key, read); err != nil {
		return "", keySentence(err)
	}
	return key.ID(), nil
}

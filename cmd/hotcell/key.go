//go:build linux

package main

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hotcell"
	"hotcell/internal/line/child"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault"
)

// openVariables writes down what credentials for the key's service come from, for the
// vault's process, whose own environment is empty; and the passphrase, where the key is
// one. For a local key file it is nothing.
func openVariables(words sensitive.Bytes, names ...string) (*os.File, error) {
	variables := map[string]string{}
	_ = words.Use(func(b []byte) error {
		if len(b) > 0 {
			variables[vault.PassphraseVariable] = base64.StdEncoding.EncodeToString(b)
		}
		return nil
	})
	if slices.ContainsFunc(names, func(name string) bool { return name != "" && vault.KeyFile(name) == "" }) {
		for _, known := range vault.KeyVariables() {
			if text := os.Getenv(known); text != "" {
				variables[known] = text
			}
		}
	}
	text, err := json.Marshal(variables)
	if err != nil {
		return nil, err
	}
	defer sensitive.Wipe(text)
	return sealedFile("credentials", text)
}

// readVariables reads what [openVariables] wrote.
func readVariables(path string) (variables map[string]string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the credentials for the key: %w", err)
	}
	defer sensitive.Wipe(text)
	if err := json.Unmarshal(text, &variables); err != nil {
		return nil, errors.New("reading the credentials for the key: they are not what was written")
	}
	return variables, nil
}

// keyring is how a process reaches its key.
type keyring struct {
	// inside is where a local key file lies now.
	inside      string
	environment *vault.KeyEnvironment
}

// enter leaves the process what the vault's has and no more, and says how it reaches its
// key.
func (o *vaultOrder) enter() (key keyring, err error) {
	variables, err := readVariables(o.Variables)
	if err != nil {
		return key, err
	}
	key.environment = vault.GatherKey(o.Key, variables)
	path := vault.KeyFile(o.Key)
	if path != "" {
		if err := vault.LookAtKey(path); err != nil {
			return key, err
		}
	}
	if o.UID != 0 {
		if o.Folder, key.inside, err = child.Enter(o.Folder, path, o.UID); err != nil {
			return key, err
		}
	}
	return key, child.Harden()
}

// keyTried is what a process that tried the key says.
type keyTried struct {
	// ID names the key; Problem is what is wrong with it, empty for nothing.
	ID, Problem string
}

// runKey is a process of its own that tries the key as the vault would, and ends: no
// other has the code of key services. It keeps the uid of whoever asks, and writes
// nothing but what it found.
func runKey(ctx context.Context, text string, _ *slog.Logger) error {
	var order vaultOrder
	if err := json.Unmarshal([]byte(text), &order); err != nil {
		return fmt.Errorf("reading the order: %w", err)
	}
	var tried keyTried
	key, err := order.enter()
	if err == nil {
		path := filepath.Join(order.Folder, filepath.Base(vaultFile("")))
		var roots *x509.CertPool
		if roots, err = readRoots(order.Bundle); err != nil {
			return err
		}
		config := vault.Config{KeyURL: order.Key, KeyEnvironment: key.environment, Roots: roots, Now: time.Now}
		tried.ID, err = vault.TryKey(ctx, config, func(ctx context.Context, fn func(hotcell.VaultReader) error) error {
			err := sqlite.ReadVault(ctx, path, fn)
			if errors.Is(err, os.ErrNotExist) || errors.Is(err, hotcell.ErrConflict) {
				return nil // there is none yet; or a server has it, and says itself what is wrong
			}
			return err
		})
	}
	if err != nil {
		tried.Problem = err.Error()
	}
	return json.NewEncoder(os.Stdout).Encode(tried)
}

// tryKey has a process of its own try the key of an order.
func tryKey(ctx context.Context, order vaultOrder, words sensitive.Bytes) (tried keyTried, err error) {
	order.Variables, order.Bundle = child.Inherited(0), child.Inherited(1)
	variables, err := openVariables(words, order.Key)
	if err != nil {
		return tried, err
	}
	defer func() { _ = variables.Close() }()
	bundle, err := openBundle(order.Egress.ExtraCA)
	if err != nil {
		return tried, err
	}
	defer func() { _ = bundle.Close() }()
	if err := startPart(ctx, keyCommand, order, []*os.File{variables, bundle}, &tried); err != nil {
		return tried, fmt.Errorf("trying the key: %w", err)
	}
	return tried, nil
}

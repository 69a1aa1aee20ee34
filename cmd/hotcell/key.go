package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"hotcell"
	"hotcell/internal/cell"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/vault"
)

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
		tried.ID, err = vault.TryKey(ctx, key, func(ctx context.Context, fn func(hotcell.VaultReader) error) error {
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

// tryKey has a process of its own try the key.
func tryKey(ctx context.Context, order vaultOrder) (tried keyTried, err error) {
	text, err := json.Marshal(order)
	if err != nil {
		return tried, err
	}
	cmd := exec.CommandContext(ctx, cell.Self, keyCommand, string(text))
	cmd.Env, cmd.Dir = []string{"LANG=C.UTF-8"}, "/"
	// It ends when this ends, as the other parts do.
	leash, err := cmd.StdinPipe()
	if err != nil {
		return tried, err
	}
	defer func() { _ = leash.Close() }()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return tried, fmt.Errorf("trying the key: %s", strings.TrimSpace(stderr.String()))
	}
	return tried, json.Unmarshal(out, &tried)
}

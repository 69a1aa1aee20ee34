//go:build linux

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hotcell"
	"hotcell/internal/config"
	"hotcell/internal/value/passphrase"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault"
)

func keyWordsFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "key-passphrase-file", "", "for key: prompt, read the passphrase from a `file`; - is standard input, /dev/fd/3 a descriptor, and a unit of systemd's has it in %d")
}

// keyWords is the passphrase that is the vault's key, where it is one: from a file or a
// descriptor, else from the terminal, twice where it is new. It is never in an argument
// or in the environment.
func keyWords(cmd *cobra.Command, c config.Config, data, file string, fresh bool) (words sensitive.Bytes, err error) {
	if !vault.KeyIsPrompt(keyURL(c, data)) {
		if file != "" {
			return words, hotcell.Invalid("", "--key-passphrase-file is for key: prompt, and the key is another")
		}
		return words, nil
	}
	switch {
	case file != "":
		words, err = readWords(file)
	case !term.IsTerminal(int(os.Stdin.Fd())):
		return words, hotcell.Invalid("", "the key is a passphrase (key: prompt), and nobody can be asked for it here: name a file with --key-passphrase-file")
	case fresh:
		words, err = askTwice(cmd.ErrOrStderr())
	default:
		words, err = ask(cmd.ErrOrStderr(), "passphrase of the vault (not shown): ")
	}
	if err == nil && fresh {
		if err = passphrase.Check(words); err != nil {
			words.Clear()
			err = fmt.Errorf("%w: %w", hotcell.ErrInvalid, err)
		}
	}
	return words, err
}

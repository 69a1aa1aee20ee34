//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hotcell"
	"hotcell/internal/cell"
	"hotcell/internal/cli"
	"hotcell/internal/config"
	"hotcell/internal/line/child"
	"hotcell/internal/store/backup"
	"hotcell/internal/value/passphrase"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault"
)

// openFlags say what may open a backup.
type openFlags struct {
	config, identity, passphrase, key, phrase string
	cmd                                       *cobra.Command
}

func (f *openFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.config, "config", "", "the server's configuration `file`, which names the vault's key (DIR/hotcell.yaml, /etc/hotcell/hotcell.yaml)")
	c.Flags().StringVar(&f.key, "old-key", "", "the `URL` of the key that the backup was made under, where the configuration names another")
	f.cmd = c
	keyWordsFlag(c, &f.phrase)
	c.Flags().StringVar(&f.identity, "identity", "", "a `file` of age identities, as age-keygen writes it")
	c.Flags().StringVar(&f.passphrase, "passphrase-file", "", "a `file` with the recovery passphrase; - is standard input, and a prompt on a terminal")
}

func verifyCmd() *cobra.Command {
	var f openFlags
	c := &cobra.Command{
		Use: "verify FILE", Short: "Restore a backup into a folder that is removed again, and open each credential in it", Args: cobra.ExactArgs(1),
		Annotations: map[string]string{cli.Under: "backup"},
		Long: `Restore a backup into a folder of its own, open each value of each credential, verify
the audit log from its first event on, and remove the folder. It touches no server and
asks no service.
` + cli.ExitStatus,
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := dataOf(cmd)
			if err != nil {
				return err
			}
			report, err := f.open(cmd.Context(), data, "", args[0])
			if err != nil {
				return err
			}
			if err := tell(cmd.OutOrStdout(), report, "it opens"); err != nil || len(report.Vault.Broken) == 0 {
				return err
			}
			return fmt.Errorf("%w: not every credential in this backup opens", hotcell.ErrTampered)
		},
	}
	f.add(c)
	return c
}

func restoreCmd() *cobra.Command {
	var f openFlags
	var log string
	c := &cobra.Command{
		Use: "restore FILE", Short: "Restore a backup into a new data folder", Args: cobra.ExactArgs(1),
		Long: `Restore a backup into the data folder (--data), which must be empty but for its
hotcell.yaml and its local.key. Its keys are wrapped by the key that the configuration
names; without one, a new local.key is made.

Afterwards tokens, links and grants are dead, and jobs that ran or waited are ended. A
connection's access token is used as long as it is good; its refresh token is not, where
the service would take a second use for a theft: "hotcell connections test NAME" asks
whether it still works. With --log, an audit log exported after the backup
(hotcell audit export), it lists what was removed since, which is there again.
` + cli.ExitStatus,
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := dataOf(cmd)
			if err != nil {
				return err
			}
			report, err := f.open(cmd.Context(), data, data, args[0])
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if err := tell(out, report, "it was restored into "+data); err != nil {
				return err
			}
			if err := since(out, log, report); err != nil {
				return fmt.Errorf("it was restored, and what was removed since is not known: %w", err)
			}
			if len(report.Vault.Broken) > 0 {
				return fmt.Errorf("%w: it was restored, and not every credential in it opens", hotcell.ErrTampered)
			}
			return nil
		},
	}
	f.add(c)
	c.Flags().StringVar(&log, "log", "", "a `file` of the audit log as it was exported after the backup")
	return c
}

func passphraseCmd() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "passphrase", Short: "Make a recipient of a passphrase, for the configuration", Args: cobra.NoArgs,
		Annotations: map[string]string{cli.Under: "backup"},
		Long: `Make a recipient of a passphrase. Put the line that it prints into the configuration,
under backup: recipients: backups made from then on open with the passphrase. The line
is no secret, but whoever has it, or a backup, can try guesses: choose five random words
or more, and keep them where you would look after a fire.
` + cli.ExitStatus,
		RunE: func(cmd *cobra.Command, _ []string) error {
			words, err := newWords(cmd, file)
			if err != nil {
				return err
			}
			defer words.Clear()
			line, err := backup.PassphraseRecipient(words)
			if err == nil {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), line)
			}
			return err
		},
	}
	c.Flags().StringVar(&file, "passphrase-file", "", "read it from a `file`; - is standard input")
	return c
}

func dataOf(cmd *cobra.Command) (string, error) {
	data, _ := cmd.Flags().GetString("data")
	return filepath.Abs(data)
}

// newWords reads a passphrase that is to be used from now on: twice from a terminal.
func newWords(cmd *cobra.Command, file string) (words sensitive.Bytes, err error) {
	if file == "" && term.IsTerminal(int(os.Stdin.Fd())) {
		words, err = askTwice(cmd.ErrOrStderr())
	} else if words, err = readWords(file); err != nil {
		return words, err
	}
	if err == nil {
		if err = passphrase.Check(words); err != nil {
			words.Clear()
			err = fmt.Errorf("%w: %w", hotcell.ErrInvalid, err)
		}
	}
	return words, err
}

// askTwice asks for a passphrase that nobody has typed yet.
func askTwice(to io.Writer) (words sensitive.Bytes, err error) {
	if words, err = ask(to, "passphrase (not shown): "); err != nil {
		return words, err
	}
	again, err := ask(to, "the same again: ")
	defer again.Clear()
	same := false
	_ = again.Use(func(b []byte) error { same = words.Equal(b); return nil })
	if err == nil && !same {
		words.Clear()
		err = hotcell.Invalid("", "the two are not the same")
	}
	return words, err
}

func ask(to io.Writer, question string) (sensitive.Bytes, error) {
	fmt.Fprint(to, question)
	text, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(to)
	return sensitive.New(text), err
}

// readWords reads a passphrase from a file, or from standard input.
func readWords(file string) (words sensitive.Bytes, err error) {
	text, err := readSmall(file)
	if err != nil {
		return words, err
	}
	if words = passphrase.Line(text); words.Len() == 0 {
		return words, hotcell.Invalid("", "the passphrase is empty")
	}
	return words, nil
}

// maxSmall bounds a file of identities or a passphrase, in bytes.
const maxSmall = 64 << 10

func readSmall(file string) ([]byte, error) {
	in := os.Stdin
	if file != "" && file != "-" {
		f, err := os.Open(file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, hotcell.Invalid("", "there is no file %s", file)
		}
		if err != nil {
			return nil, fmt.Errorf("reading a file: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxSmall))
	if err != nil {
		return nil, fmt.Errorf("reading a file: %w", err)
	}
	return text, nil
}

// open has a process of its own open a backup, and restore it into data; empty for a
// drill. The folder that it works in is gone afterwards, however it ended.
func (f *openFlags) open(ctx context.Context, home, data, path string) (report *restoreReport, err error) {
	c, err := loadConfig(f.config, home)
	if err != nil {
		return nil, err
	}
	order := restoreOrder{Data: data, Key: keyURL(c, home), OldKey: f.key}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no file %s", hotcell.ErrNotFound, path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the backup: %w", err)
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, hotcell.Invalid("", "%s is no file", path)
	}
	made := data != "" && !there(data)
	if order.Room, err = workroom(data); err != nil {
		return nil, err
	}
	defer func() {
		_ = os.RemoveAll(order.Room)
		if made && err != nil {
			_ = os.Remove(data) // as it was: nothing is left of a restore that failed
		}
	}()
	if report, err = f.start(ctx, c, order, file); err == nil {
		err = report.err()
	}
	return report, err
}

func there(path string) bool { _, err := os.Lstat(path); return err == nil }

// workroom makes the folder to work in: in the data folder, so that what is whole is moved.
func workroom(data string) (string, error) {
	if data == "" {
		return os.MkdirTemp("", staging)
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", fmt.Errorf("making the data folder: %w", err)
	}
	// What a restore that was killed left.
	left, _ := filepath.Glob(filepath.Join(data, staging+"*"))
	for _, path := range left {
		_ = os.RemoveAll(path)
	}
	return os.MkdirTemp(data, staging)
}

// start starts the process that opens the backup, and reads what it says.
func (f *openFlags) start(ctx context.Context, c config.Config, order restoreOrder, file *os.File) (*restoreReport, error) {
	var words sensitive.Bytes
	if vault.KeyIsPrompt(order.OldKey) || vault.KeyIsPrompt(order.Key) && (order.Data != "" || f.phrase != "" || f.identity == "" && f.passphrase == "") {
		var err error
		if words, err = keyWords(f.cmd, config.Config{Key: "prompt"}, order.Data, f.phrase, order.Data != ""); err != nil {
			return nil, err
		}
	}
	defer words.Clear()
	variables, err := openVariables(words, order.Key, order.OldKey)
	if err != nil {
		return nil, err
	}
	bundle, err := openBundle(c.Egress.ExtraCA)
	if err != nil {
		return nil, errors.Join(err, variables.Close())
	}
	files := []*os.File{variables, bundle, file}
	defer func() {
		for _, one := range files {
			_ = one.Close()
		}
	}()
	order.Variables, order.Bundle, order.Backup = child.Inherited(0), child.Inherited(1), child.Inherited(2)
	for _, one := range []struct {
		given string
		to    *string
	}{{f.identity, &order.Identities}, {f.passphrase, &order.Passphrase}} {
		if one.given == "" {
			continue
		}
		held, err := f.secretFile(one.given, one.to == &order.Passphrase)
		if err != nil {
			return nil, err
		}
		*one.to = child.Inherited(len(files))
		files = append(files, held)
	}
	var report restoreReport
	return &report, startPart(ctx, restoreCommand, order, files, &report)
}

// secretFile reads what opens a backup into memory that the process inherits.
func (f *openFlags) secretFile(path string, words bool) (*os.File, error) {
	var text []byte
	var err error
	if words && path == "-" && term.IsTerminal(int(os.Stdin.Fd())) {
		asked, failed := ask(os.Stderr, "recovery passphrase (not shown): ")
		defer asked.Clear()
		_ = asked.Use(func(b []byte) error { text = bytes.Clone(b); return nil })
		err = failed
	} else {
		text, err = readSmall(path)
	}
	if err != nil {
		return nil, err
	}
	defer sensitive.Wipe(text)
	return sealedFile("recovery", text)
}

// startPart runs a process of the vault's kind that answers with one message, and ends.
// It ends when this process does.
func startPart(ctx context.Context, command string, order any, files []*os.File, answer any) error {
	text, err := json.Marshal(order)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, cell.Self, command, string(text))
	cmd.ExtraFiles = files
	cmd.Env, cmd.Dir = []string{"LANG=C.UTF-8"}, "/"
	leash, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	defer func() { _ = leash.Close() }()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return errors.New(strings.TrimPrefix(strings.TrimSpace(stderr.String()), "hotcell: "))
	}
	return json.Unmarshal(out, answer)
}

package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/text/shell"
)

// Under is the annotation of a command of the server's own that says which noun it is a
// verb of.
const Under = "hotcell under"

func (a *app) backup() *cobra.Command {
	var draft client.BackupDraft
	var noFolders bool
	c := command("backup FILE|-", "Make a backup of the server, sealed to those who may open it",
		`Make a backup of the server while it runs: both databases as they stand at one moment,
the workspace's keys, and assignments' folders. It is sealed to the recipients that the
configuration names, and under the vault's key; either opens it. Nothing in it can be
read without. Only the owner of the workspace may make one.

A credential that is deleted later is still in the backups that were made before.`, cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error {
			draft.Folders = !noFolders
			in, err := a.client().Backup(cmd.Context(), draft)
			if err != nil {
				return err
			}
			defer func() { _ = in.Close() }()
			if args[0] == "-" {
				_, err := io.Copy(a.Out, in)
				return broken(err)
			}
			size, err := keep(args[0], in)
			if err != nil {
				return err
			}
			return a.made(args[0], fmt.Sprintf("the backup %s has %s; try it with hotcell backup verify %s", args[0], bytesOf(size), shell.Quote(args[0])), map[string]any{"file": args[0], "size": size})
		})
	c.Flags().BoolVar(&draft.Outputs, "outputs", false, "what jobs left in /job/out as well")
	c.Flags().BoolVar(&noFolders, "no-folders", false, "without assignments' folders")
	c.AddCommand(a.listBackups())
	return c
}

func bytesOf(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", (n+1023)>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

func broken(err error) error {
	if err != nil {
		return fmt.Errorf("%w: the backup broke off, and what came of it is none: %w", hotcell.ErrUnavailable, err)
	}
	return nil
}

// keep writes a new file, whole or not at all. It is on the disk when this returns.
func keep(path string, in io.Reader) (size int64, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%w: %s is there already, and is not written over", hotcell.ErrConflict, path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return 0, fmt.Errorf("writing the backup: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if size, err = io.Copy(f, in); err != nil {
		return 0, errors.Join(broken(err), f.Close())
	}
	// A link, and not a rename: it writes over nothing.
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return 0, fmt.Errorf("writing the backup: %w", err)
	}
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return 0, fmt.Errorf("%w: %s is there already, and is not written over", hotcell.ErrConflict, path)
	} else if err != nil {
		err = os.Rename(f.Name(), path) // a file system without links
		if err != nil {
			return 0, fmt.Errorf("writing the backup: %w", err)
		}
	}
	return size, syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

func (a *app) listBackups() *cobra.Command {
	var f listFlags
	return f.add(command("list", "List the backups that were made, and by which key each is opened", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		list, err := a.client().Backups(cmd.Context())
		if err != nil {
			return err
		}
		id := func(b hotcell.Backup) string { return string(b.ID) }
		return printList(a, &f, list, "", id, []column[hotcell.Backup]{
			{"ID", id}, {"MADE", func(b hotcell.Backup) string { return at(b.At) }}, {"KEY", func(b hotcell.Backup) string { return b.Key }},
			{"RECIPIENTS", func(b hotcell.Backup) string { return fmt.Sprint(len(b.Recipients)) }}, {"WITH", with},
		})
	}))
}

// with says what is in a backup beside the databases.
func with(b hotcell.Backup) string {
	var parts []string
	if b.Folders {
		parts = append(parts, "folders")
	}
	if b.Outputs {
		parts = append(parts, "outputs")
	}
	return strings.Join(parts, ", ")
}

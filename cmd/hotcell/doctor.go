//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"hotcell"
	"hotcell/internal/cell"
	"hotcell/internal/cell/browser"
	"hotcell/internal/cli"
	"hotcell/internal/config"
	"hotcell/internal/line/child"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault"
)

func doctorCmd() *cobra.Command {
	var inCell bool
	var file, phrase string
	c := &cobra.Command{
		Use: "doctor [--cell ASSIGNMENT]", Short: "Check every precondition of this machine, and say how to get what lacks", Args: cobra.MaximumNArgs(1),
		Long: `Check every precondition of this machine, and say how to get what lacks. It makes a
cell to see that it holds, and wraps and unwraps something with the configured key.

With --cell it asks the server to start the cell that the assignment's jobs get, and
looks around in it in the place of the command: whether its program is there and
starts, which tools are listed, whether each client of TLS trusts the job's authority
(no request is sent), and whether the attached connections work.
` + cli.ExitStatus,
		RunE: func(cmd *cobra.Command, args []string) error {
			data, _ := cmd.Flags().GetString("data")
			if inCell != (len(args) == 1) {
				return cli.Usage("doctor looks into the cell of one assignment", "hotcell doctor --cell ASSIGNMENT")
			}
			if !inCell {
				data, err := filepath.Abs(data)
				if err != nil {
					return err
				}
				c, err := loadConfig(file, data)
				if err != nil {
					return err
				}
				words := sensitive.Bytes{}
				if phrase != "" || hasVault(data) && term.IsTerminal(int(os.Stdin.Fd())) {
					if words, err = keyWords(cmd, c, data, phrase, false); err != nil {
						return err
					}
				}
				defer words.Clear()
				return verdict(cmd, "this machine lacks what jobs need", marked(diagnose(cmd.Context(), c, data, words)))
			}
			found, err := cli.Try(cmd.Context(), cli.IO{Err: cmd.ErrOrStderr(), Out: cmd.OutOrStdout(), In: os.Stdin, Getenv: os.Getenv}, data, args[0])
			if err != nil {
				return err
			}
			return verdict(cmd, "a job of it would lack something", found)
		},
	}
	keyWordsFlag(c, &phrase)
	c.Flags().StringVar(&file, "config", "", "the server's configuration `file` (DIR/hotcell.yaml, /etc/hotcell/hotcell.yaml)")
	c.Flags().BoolVar(&inCell, "cell", false, "look into the cell of an assignment's jobs")
	return c
}

// marked gives each precondition its mark.
func marked(list []cell.Precondition) (out []cli.Verdict) {
	for _, p := range list {
		mark := "ok"
		switch {
		case !p.Met && p.Needed:
			mark = "LACK"
		case !p.Met:
			mark = "note"
		}
		out = append(out, cli.Verdict{Mark: mark, Name: p.Name, Detail: p.Detail})
	}
	return out
}

// verdict prints what was found, and fails where something lacks.
func verdict(cmd *cobra.Command, lacks string, found []cli.Verdict) error {
	lacking := false
	for _, v := range found {
		lacking = lacking || v.Mark == "LACK"
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%-4s  %-12s %s\n", v.Mark, v.Name, v.Detail); err != nil {
			return err
		}
	}
	if lacking {
		return fmt.Errorf("%w: %s", hotcell.ErrUnavailable, lacks)
	}
	return nil
}

// diagnose looks at the machine and at the server, if one runs.
func diagnose(ctx context.Context, c config.Config, data string, words sensitive.Bytes) []cell.Precondition {
	list := cell.NewBubblewrap(cell.Options{Binary: cell.Self}).Check(ctx)
	apart, why := child.Separate()
	if apart {
		why = "the vault, the worker and each job get host uids of their own"
	}
	list = append(list,
		cell.Precondition{Name: "uids", Met: apart, Detail: why + otherwise(!apart, ": processes of that uid are kept apart by their namespaces and by being untraceable only; run the server as root for more", "")},
		cell.Precondition{Name: "memory", Met: child.LocksMemory(), Detail: otherwise(child.LocksMemory(), "the vault's memory is locked", "RLIMIT_MEMLOCK does not allow the vault to lock its memory: values may be swapped out; turn swap off or set LimitMEMLOCK=infinity")},
		chromium(), disk(data), key(ctx, c, data, words), recovery(c, data), answering(ctx, data),
	)
	return list
}

// chromium says whether jobs can have a browser.
func chromium() cell.Precondition {
	p := cell.Precondition{Name: "browser", Met: true, Detail: browser.Program()}
	if p.Detail == "" {
		p.Met, p.Detail = false, "there is no Chromium for logins: apt-get install chromium-headless-shell"
	}
	return p
}

func otherwise(met bool, yes, no string) string {
	if met {
		return yes
	}
	return no
}

func disk(data string) cell.Precondition {
	p := cell.Precondition{Name: "disk"}
	dir := data
	for dir != "/" {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		p.Detail = "the data folder's disk cannot be looked at"
		return p
	}
	free := int64(st.Bavail) * st.Bsize >> 20
	p.Met, p.Detail = free > 512, fmt.Sprintf("%d MiB free at %s", free, dir)
	return p
}

// key wraps and unwraps something with the key, as the vault would, and warns of what
// lies together: whoever copies the folder has both.
func key(ctx context.Context, c config.Config, data string, words sensitive.Bytes) cell.Precondition {
	p := cell.Precondition{Name: "key"}
	path := vault.KeyFile(keyURL(c, data))
	if vault.KeyIsPrompt(keyURL(c, data)) && words.Len() == 0 {
		p.Met, p.Detail = true, "a passphrase, which serve asks for; --key-passphrase-file tries it"
		return p
	}
	if path != "" && !hasVault(data) {
		if info, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) || err == nil && info.Mode().IsRegular() && info.Size() == 0 {
			p.Met, p.Detail = true, "none yet: the first serve makes "+path
			return p
		}
	}
	tried, err := tryKey(ctx, vaultOrder{Folder: filepath.Dir(vaultFile(data)), Key: keyURL(c, data), Egress: c.Egress}, words)
	switch {
	case err != nil:
		p.Detail = err.Error()
	case tried.Problem != "":
		p.Needed, p.Detail = true, tried.Problem
	case vault.KeyIsPrompt(keyURL(c, data)):
		p.Met, p.Detail = true, "the passphrase wraps, and opens what is stored unless a running server has it"
	case path == "":
		p.Met, p.Detail = true, tried.ID+" wraps and unwraps"
	case filepath.Dir(path) == filepath.Clean(data):
		p.Detail = "the local key file opens what is stored; it lies beside the database: whoever copies the whole folder can open it; keep backups of them apart"
	default:
		p.Met, p.Detail = true, "the key file "+path+" opens what is stored"
	}
	return p
}

// unrecoverable says that a lost disk is a lost vault; empty where it is not.
func unrecoverable(c config.Config, data string) string {
	if len(c.Backup.Recipients) > 0 || vault.KeySurvives(keyURL(c, data)) {
		return ""
	}
	return "a lost disk is a lost vault: its key is on this machine alone, and no backup can be made before backup: recipients: names who may open one (docs/backup.md)"
}

// recovery says whether anything is left when the disk is lost, and when the last backup
// was made of those that are made by themselves.
func recovery(c config.Config, data string) cell.Precondition {
	p := cell.Precondition{Name: "backup", Detail: unrecoverable(c, data)}
	if p.Detail != "" {
		return p
	}
	last := lastBackup(c.Backup.Folder)
	switch {
	case c.Backup.Folder == "":
		p.Met, p.Detail = true, "made when you make one, by hotcell backup FILE; backup: folder and every make them by themselves"
	case last.IsZero():
		p.Detail = "none was made yet in " + c.Backup.Folder
	case time.Since(last) > 2*c.Backup.Every:
		p.Detail = "the last one in " + c.Backup.Folder + " is of " + last.Format(time.RFC3339) + ", and one is due each " + c.Backup.Every.String() + ": the server's log says why"
	default:
		p.Met, p.Detail = true, "the last one in "+c.Backup.Folder+" is of "+last.Format(time.RFC3339)
	}
	return p
}

func answering(ctx context.Context, data string) cell.Precondition {
	p := cell.Precondition{Name: "server"}
	socket := filepath.Join(data, "hotcell.sock")
	client := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://hotcell/readyz", nil)
	if err != nil {
		p.Detail = err.Error()
		return p
	}
	answer, err := client.Do(request)
	if err != nil {
		p.Detail = "none answers for " + data + ": start it with hotcell serve"
		return p
	}
	defer func() { _ = answer.Body.Close() }()
	text := make([]byte, 2048)
	n, _ := answer.Body.Read(text)
	p.Met = answer.StatusCode == http.StatusOK
	p.Detail = otherwise(p.Met, "it runs and is ready", strings.TrimSpace(string(text[:n])))
	return p
}

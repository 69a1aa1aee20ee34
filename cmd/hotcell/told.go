//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/store/audit"
)

// tell says what was in a backup, and what became of it.
func tell(out io.Writer, r *restoreReport, done string) error {
	m, v := r.Manifest, r.Vault
	lines := []string{
		fmt.Sprintf("the backup %s of %s, made %s: %s", m.ID, m.Workspace, m.At.UTC().Format("2006-01-02 15:04:05 UTC"), done),
		fmt.Sprintf("credentials: %d, in %d versions, of which each value opens", v.Credentials, v.Versions),
		fmt.Sprintf("audit log: it holds from its first event to event %d of %s", v.Sequence, v.At.UTC().Format("2006-01-02 15:04:05 UTC")),
		fmt.Sprintf("values are sealed to the key %s", v.Fingerprint),
		fmt.Sprintf("folders of assignments: %d; outputs of jobs: %d", r.Folders, r.Outputs),
	}
	if len(v.Broken) > 0 {
		lines[1] = fmt.Sprintf("credentials: %d, of which %d do not open:", v.Credentials, len(v.Broken))
		lines = append(lines, v.Broken...)
	}
	if n := v.Grants + v.Requests + r.Jobs; n > 0 {
		lines = append(lines, fmt.Sprintf("ended: %d grants, %d requests, %d jobs", v.Grants, v.Requests, r.Jobs))
	}
	if len(v.Renewing) > 0 {
		lines = append(lines, "their access tokens are used as long as they are good, and their refresh tokens are not, where a service would take that for a theft;", "hotcell connections test NAME asks each: "+strings.Join(v.Renewing, ", "))
	}
	_, err := fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}

// takenAway are the verbs of events by which something was removed, or somebody lost a right.
var takenAway = map[string]bool{"delete": true, "unshare": true, "revoke": true, "detach": true, "remove": true, "destroy": true, "break": true, "refuse": true}

// since lists what was removed and revoked after the backup, by a log that was exported
// later. It is held against the backup's own first.
func since(out io.Writer, path string, r *restoreReport) error {
	if path == "" {
		_, err := fmt.Fprintln(out, "what was removed or revoked since is there again; with --log LOG, an export of the audit log that is newer, it is listed")
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading the audit log: %w", err)
	}
	defer func() { _ = f.Close() }()
	var later *audit.Verifier // from the backup's last event on
	var lines []string
	for e, err := range audit.Read(f) {
		if err != nil {
			return fmt.Errorf("%w: the log %s: %w", hotcell.ErrInvalid, path, err)
		}
		if e.Sequence <= r.Vault.Sequence {
			if e.Sequence == r.Vault.Sequence && len(e.Hash) == 32 && bytes.Equal(e.Hash, r.Vault.Head) {
				later = audit.NewVerifierAfter(r.Manifest.Workspace, audit.Head{Sequence: e.Sequence, Hash: [32]byte(e.Hash)})
			}
			continue
		}
		if later == nil {
			break
		}
		if err := later.Next(e); err != nil {
			return fmt.Errorf("%w: the log %s does not hold: %w", hotcell.ErrTampered, path, err)
		}
		_, verb, _ := strings.Cut(e.Kind, ".")
		if takenAway[verb] && e.Decision == hotcell.Allowed {
			lines = append(lines, fmt.Sprintf("  %s  %-20s %s", e.At.UTC().Format(time.DateTime), e.Kind, e.Name))
		}
	}
	if later == nil {
		return fmt.Errorf("%w: the log %s is not the one of this vault, or does not reach back to the backup", hotcell.ErrInvalid, path)
	}
	fmt.Fprintf(out, "removed or revoked since, and there again: %d\n", len(lines))
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
	return nil
}

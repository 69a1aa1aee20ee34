package demo

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hotcell"
	"hotcell/test/acme"
	"hotcell/test/acme/portal"
)

// archive is the assignment's folder.
func (s *show) archive() (io.Reader, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	err := fs.WalkDir(files, "files", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: filepath.Base(path), Mode: 0o755, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	})
	return &out, errors.Join(err, w.Close())
}

// run runs the assignment and returns its log and end.
func (s *show) run(ctx context.Context, arguments ...string) (string, hotcell.Job, error) {
	list, err := s.client.Assignments(ctx, "report")
	if err != nil {
		return "", hotcell.Job{}, err
	}
	return s.runOf(ctx, list[0].ID, arguments...)
}

// runOf runs an assignment by its id.
func (s *show) runOf(ctx context.Context, id hotcell.AssignmentID, arguments ...string) (string, hotcell.Job, error) {
	j, err := s.client.Run(ctx, id, arguments)
	if err != nil {
		return "", j, err
	}
	var log strings.Builder
	j, err = s.client.Follow(ctx, j.ID, func(c hotcell.LogChunk) error {
		log.Write(c.Data)
		return nil
	})
	return log.String(), j, err
}

// report is the job as it is meant.
func (s *show) report(ctx context.Context) error {
	s.title("The job: hotcell run report -- --month 2026-11")
	log, j, err := s.run(ctx, "--month", "2026-11")
	if err != nil {
		return err
	}
	s.quote(log)
	s.check(j.State == hotcell.JobSucceeded, "the job did its work in a cell, with curl and psql ("+string(j.State)+j.Reason+")")
	s.check(strings.Contains(log, "INV-2") && strings.Contains(log, "open: 480.50"), "the report is right: it asked the API with the key and the database with the password")
	s.check(len(s.company.Requests()) > 0, "the API saw its key")
	s.clean("the job's log", log)
	archive, err := s.client.Out(ctx, j.ID)
	if err != nil {
		return err
	}
	out, err := io.ReadAll(archive)
	s.check(err == nil && bytes.Contains(out, []byte("report.txt")), "it left report.txt in /job/out: hotcell jobs out "+string(j.ID))
	s.clean("what it left", string(out))
	return errors.Join(err, archive.Close())
}

// attack is the same job as a hostile one.
func (s *show) attack(ctx context.Context) error {
	s.title("The same job, hostile: what else can it get?")
	log, j, err := s.run(ctx, "--attack", fmt.Sprint(s.company.APIPort), s.port)
	if err != nil {
		return err
	}
	tried := 0
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		if what, found := strings.CutPrefix(line, "NOTHING "); found {
			tried++
			s.check(true, what+": nothing")
		} else if what, found := strings.CutPrefix(line, "GOT "); found {
			tried++
			s.leaked++
			s.check(false, what)
		}
	}
	s.check(j.ExitCode != nil && *j.ExitCode == 0 && tried >= 20, fmt.Sprintf("it tried %d ways (%s%s)", tried, j.State, j.Reason))
	for line := range strings.Lines(log) {
		if said, found := strings.CutPrefix(line, "SAY "); found {
			s.say("    it printed: %s", strings.TrimSpace(said))
		}
	}
	s.check(j.Redactions >= 6, fmt.Sprintf("its own values into its log, raw and encoded: %d redacted", j.Redactions))
	s.clean("its log", log)
	events, err := s.client.Events(ctx, hotcell.EventFilter{Job: j.ID, Decision: hotcell.Refused, Limit: 200})
	if err != nil {
		return err
	}
	told := slices.ContainsFunc(events, func(e hotcell.Event) bool { return strings.HasPrefix(e.Host, "evil.example") })
	s.check(told, fmt.Sprintf("what it was refused is in the audit log: %d refusals", len(events)))
	return nil
}

// revoke takes the secret away from a job that runs.
func (s *show) revoke(ctx context.Context) error {
	s.title("Taken away while it runs: hotcell secrets delete billing")
	list, err := s.client.Assignments(ctx, "report")
	if err != nil {
		return err
	}
	j, err := s.client.Run(ctx, list[0].ID, []string{"--sleep"})
	if err != nil {
		return err
	}
	for range 100 {
		if now, err := s.client.Job(ctx, j.ID); err != nil || now.State == hotcell.JobRunning {
			break
		}
		time.Sleep(50 * time.Millisecond) //nolint:forbidigo // the API has no way to wait for a job's start
	}
	secrets, err := s.client.Secrets(ctx, "billing")
	if err != nil {
		return err
	}
	began := time.Now()
	if err := s.client.DeleteSecret(ctx, secrets[0].ID, 0); err != nil {
		return err
	}
	j, err = s.client.Follow(ctx, j.ID, func(hotcell.LogChunk) error { return nil })
	s.check(err == nil && j.State == hotcell.JobCancelled, fmt.Sprintf("the job that had it ended %s after: %s", time.Since(began).Round(time.Millisecond), j.Reason))
	return err
}

// trail is the audit log.
func (s *show) trail(ctx context.Context) error {
	s.title("The trail: hotcell audit verify")
	v, err := s.client.Verify(ctx)
	if err != nil {
		return err
	}
	s.check(v.Broken == 0 && v.Events > 10, fmt.Sprintf("%d events, chained and unbroken", v.Events))
	events, err := s.client.Events(ctx, hotcell.EventFilter{Limit: 1000})
	if err != nil {
		return err
	}
	s.clean("the audit log", fmt.Sprintf("%+v", events))
	return nil
}

// residue looks for the values in everything that the server left behind.
func (s *show) residue() error {
	s.title("What is left on the disk")
	issued := s.company.Identity.Issued()
	s.check(len(issued) >= 10, fmt.Sprintf("looked for: keys and passwords, %d tokens and OAuth secrets, %d sessions", len(issued), len(s.company.Portal.Issued())))
	judge := s.judge()
	count, bytes := 0, int64(0)
	err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == "postgres" {
			return fs.SkipDir // the company's own
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		count++
		bytes += int64(len(text))
		if form := judge.Find(string(text)); form != "" {
			s.leaked++
			s.check(false, path+" holds a value, "+form)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("looking through the folder: %w", err)
	}
	s.check(count > 5, fmt.Sprintf("databases, write-ahead logs, archives and server log: %d files, %d KiB, no value in any form", count, bytes>>10))
	return nil
}

// judge finds all that is to be found nowhere: the company's keys and passwords, the
// secrets of its OAuth clients, and every token that was given out.
func (s *show) judge() *portal.Judge {
	c := s.company
	values := append(c.Identity.Issued(), c.Key, c.Password, c.PortalPassword, c.Portal.ArchivePassword, acme.PortalSecret)
	return portal.Judging(append(values, c.Portal.Issued()...)...)
}

// clean checks that a text holds none of the company's values.
func (s *show) clean(what, text string) {
	form := s.judge().Find(text)
	if form != "" {
		s.leaked++
		what += ", but " + form
	}
	s.check(form == "", "no value in "+what)
}

func (s *show) check(passed bool, what string) {
	s.checks++
	mark := "ok  "
	if !passed {
		mark = "FAIL"
		s.failed++
	}
	s.say("  %s %s", mark, what)
}

// try is something that a hostile agent does; says is what must be in its answer, if it
// did it at all.
type try struct{ what, says string }

// tried holds what a log says of tries against what was to be tried: each was done,
// and none got a value.
func (s *show) tried(log string, tries []try) {
	judge, answers := s.judge(), map[string]string{}
	for part := range strings.SplitSeq(log, "TRIED ") {
		if what, got, found := strings.Cut(part, ": "); found {
			answers[what] = got
		}
	}
	for _, t := range tries {
		got, done := answers[t.what]
		switch form := judge.Find(got); {
		case !done || !strings.Contains(got, t.says):
			s.check(false, fmt.Sprintf("%s: it did not come to that: %.200q", t.what, got))
		case form != "":
			s.leaked++
			s.check(false, t.what+": it got a value, "+form)
		default:
			s.check(true, t.what+": nothing")
		}
	}
}

func (s *show) title(text string) { s.say("\n%s", text) }

func (s *show) say(format string, args ...any) { _, _ = fmt.Fprintf(s.Out, format+"\n", args...) }

func (s *show) quote(text string) {
	for line := range strings.Lines(text) {
		s.say("    | %s", strings.TrimRight(line, "\n"))
	}
}

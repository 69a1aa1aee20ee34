package cli

import (
	"bufio"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hotcell/client"
	"hotcell/internal/importer"
	"hotcell/internal/sensitive"
	"hotcell/internal/site"
)

func (a *app) importLogins() *cobra.Command {
	var format string
	var yes, skip, shared bool
	c := command("import FILE… [--format F] [--yes] [--skip-existing] [--shared]", "Import logins from a browser or another password manager",
		`Import logins from what a browser, a password manager or an authenticator exports:
Chrome, Edge, Firefox, Safari, Bitwarden (JSON, CSV), 1Password (1PUX, CSV), KeePass
(XML, CSV), LastPass, Google Authenticator (text, or pictures of its QR codes, all of
one export at once).

It shows first what would be made, without values, and what is left out and why; then
it asks, and makes all or nothing. Files are only read: remove them when all is there.`,
		cobra.MinimumNArgs(1), func(cmd *cobra.Command, args []string) error {
			found, err := a.readLogins(cmd.Context(), args, importer.Format(format))
			if err != nil {
				return err
			}
			defer found.Clear()
			if err := a.preview(found); err != nil {
				return err
			}
			if len(found.Drafts) == 0 {
				return fmt.Errorf("there is nothing to import in it")
			}
			if !yes {
				if ok, err := a.confirm(cmd.Context(), fmt.Sprintf("import %s?", count(len(found.Drafts), "login"))); err != nil || !ok {
					return err
				}
			}
			drafts := make([]client.LoginDraft, len(found.Drafts))
			for i, d := range found.Drafts {
				drafts[i] = client.LoginDraft{Site: d.Site, Username: d.Username, Password: d.Password, OTP: d.OTP, Shared: shared}
			}
			out, err := a.client().ImportLogins(cmd.Context(), drafts, skip)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.json(out)
			}
			sentence := fmt.Sprintf("imported %s", count(len(out.Made), "login"))
			if len(out.There) > 0 {
				sentence += fmt.Sprintf("; there already: %d", len(out.There))
			}
			a.say("%s. Remove the files that they came from.", sentence)
			return nil
		})
	c.Flags().StringVar(&format, "format", "", "what the file is, if it is not found out: "+strings.Join(importer.Formats(), ", "))
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&skip, "skip-existing", false, "leave out those that there are already, by site and user name")
	c.Flags().BoolVar(&shared, "shared", false, "share them with the workspace")
	return c
}

// readLogins reads all files; several pictures are of one export.
func (a *app) readLogins(ctx context.Context, paths []string, format importer.Format) (*importer.Logins, error) {
	var files []importer.File
	defer func() {
		for _, f := range files {
			sensitive.Wipe(f.Content)
		}
	}()
	for _, path := range paths {
		content, err := a.readFile(ctx, path)
		if err != nil {
			return nil, err
		}
		files = append(files, importer.File{Name: filepath.Base(path), Content: content})
	}
	return importer.ParseLogins(format, files...)
}

// preview shows what an import would make, and what it leaves out.
func (a *app) preview(found *importer.Logins) error {
	if a.output == "json" {
		return nil
	}
	rows := [][]string{{"SITE", "USER NAME", "PASSWORD", "CODES"}}
	has := func(v sensitive.Bytes) string {
		if v.Len() > 0 {
			return "yes"
		}
		return ""
	}
	for _, d := range found.Drafts {
		name := d.Site
		if at, err := site.Login(d.Site); err == nil {
			name = site.FormatLogin(at)
		}
		rows = append(rows, []string{name, d.Username, has(d.Password), has(d.OTP)})
	}
	if len(found.Drafts) > 0 {
		if err := a.table(rows); err != nil {
			return err
		}
	}
	a.say("%s: %s to import", found.Format, count(len(found.Drafts), "login"))
	for _, s := range found.Skipped {
		a.say("left out: entry %d%s: %s", s.Entry, titled(s.Title), s.Reason)
	}
	for _, n := range found.Notes {
		a.say("note: %s", n)
	}
	return nil
}

func titled(title string) string {
	if title == "" {
		return ""
	}
	return fmt.Sprintf(" (%q)", title)
}

// confirm asks a person, where there is one.
func (a *app) confirm(ctx context.Context, question string) (bool, error) {
	if !term.IsTerminal(int(a.In.Fd())) {
		return false, &usageError{"nobody can be asked here: say --yes", ""}
	}
	fmt.Fprintf(a.Err, "%s [y/N] ", question)
	text, err := await(ctx, func() ([]byte, error) {
		line, err := bufio.NewReader(a.In).ReadString('\n')
		return []byte(line), err
	})
	word := strings.ToLower(strings.TrimSpace(string(text)))
	return err == nil && (word == "y" || word == "yes"), err
}

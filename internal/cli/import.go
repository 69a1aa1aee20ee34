package cli

import (
	"bufio"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/cli/importer"
	"hotcell/internal/text/site"
	"hotcell/internal/value/sensitive"
)

// importing are the flags of an import.
type importing struct {
	format                 string
	yes, skip, shared, dry bool
	maps, exclude          []string
}

func (a *app) importLogins() *cobra.Command {
	var f importing
	c := command("import FILE… [--format F] [--map ENTRY=LOGIN|SITE]… [--exclude ENTRIES] [--dry-run | --yes] [--skip-existing] [--share]", "Import logins from a browser or another password manager",
		`Import logins from what a browser, a password manager or an authenticator exports:
Chrome, Edge, Firefox, Safari, Bitwarden (JSON, CSV), 1Password (1PUX, CSV), KeePass
(XML, CSV), LastPass, Google Authenticator (text, or pictures of its QR codes, all of
one export at once).

An authenticator seldom says for which website a code is. Say which login gets it, or
for which site a new one is made: --map 'ACME:ada=portal.acme.com ada', or by the
entry's number, --map 2=portal.acme.com. On a terminal it asks for each.

It shows first what would be made, without values, and what is left out and why; then
it asks, and makes all or nothing. Files are only read: remove them when all is there.`,
		cobra.MinimumNArgs(1), func(cmd *cobra.Command, args []string) error { return a.runImport(cmd.Context(), args, f) })
	c.Flags().StringVar(&f.format, "format", "", "what the file is, if it is not found out: "+strings.Join(importer.Formats(), ", "))
	c.Flags().StringArrayVar(&f.maps, "map", nil, "which login or site the codes of an entry are for: `ENTRY=LOGIN`; may be given several times")
	c.Flags().StringSliceVar(&f.exclude, "exclude", nil, "`entries` to leave out, by their numbers: 3,5-9")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "show what would be made, and make nothing")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&f.skip, "skip-existing", false, "leave out those that there are already, by site and user name")
	shareFlag(c, &f.shared)
	return c
}

func (a *app) runImport(ctx context.Context, paths []string, f importing) error {
	found, err := a.readLogins(ctx, paths, importer.Format(f.format))
	if err != nil {
		return err
	}
	defer found.Clear()
	if err := exclude(found, f.exclude); err != nil {
		return err
	}
	plan, err := a.plan(ctx, found, f)
	if err != nil {
		return err
	}
	there := 0
	if f.skip {
		if plan, there, err = a.withoutExisting(ctx, plan); err != nil {
			return err
		}
	}
	if a.output != "json" {
		if err := a.preview(found, plan, there); err != nil {
			return err
		}
	}
	switch {
	case f.dry && a.output == "json":
		return a.json(told(found, plan))
	case f.dry:
		return nil
	case len(plan) == 0 && there > 0:
		a.say("nothing is new: %s there already", count(there, "login"))
		return nil
	case len(plan) == 0:
		return fmt.Errorf("there is nothing to import in it")
	}
	if !f.yes {
		if ok, err := a.confirm(ctx, fmt.Sprintf("import %s?", count(len(plan), "login"))); err != nil || !ok {
			return err
		}
	}
	drafts := make([]client.LoginDraft, len(plan))
	for i, p := range plan {
		drafts[i] = p.LoginDraft
	}
	a.say("importing %s …", count(len(drafts), "login"))
	out, err := a.client().ImportLogins(ctx, drafts, f.skip)
	if err != nil {
		return err
	}
	if a.output == "json" {
		all := told(found, plan)
		all.Imported = &out
		return a.json(all)
	}
	sentence := fmt.Sprintf("imported %s", count(len(out.Made), "login"))
	if len(out.Changed) > 0 {
		sentence += fmt.Sprintf("; %s got codes", count(len(out.Changed), "login"))
	}
	if there += len(out.There); there > 0 {
		sentence += fmt.Sprintf("; there already: %d", there)
	}
	a.say("%s. Remove the files that they came from.", sentence)
	return nil
}

// withoutExisting leaves out what there is already, by site and user name, as the server
// does, so that what is shown is what is made.
func (a *app) withoutExisting(ctx context.Context, plan []planned) (kept []planned, there int, err error) {
	logins, err := a.client().Logins(ctx, "")
	if err != nil {
		return nil, 0, err
	}
	for _, p := range plan {
		at, bad := site.Login(p.Site)
		exists := bad == nil && p.Into == "" && slices.ContainsFunc(logins, func(c hotcell.Credential) bool {
			return c.Login != nil && c.Shared == p.Shared && c.Login.Of(at.Host, at.Port, at.Plain) && c.Login.Username == p.Username
		})
		if exists {
			there++
			p.Password.Clear()
			p.OTP.Clear()
			continue
		}
		kept = append(kept, p)
	}
	return kept, there, nil
}

// exclude leaves entries out: 3,5-9.
func exclude(found *importer.Logins, ranges []string) error {
	out := map[int]bool{}
	for _, text := range ranges {
		first, last, isRange := strings.Cut(text, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.Atoi(first)
		to, failed := strconv.Atoi(last)
		if err != nil || failed != nil || from < 1 || to < from || to > 1_000_000 {
			return usagef("--exclude takes numbers of entries: 3,5-9")
		}
		for n := from; n <= to; n++ {
			out[n] = true
		}
	}
	leave := func(entry int, title string, values ...sensitive.Bytes) bool {
		if !out[entry] {
			return false
		}
		for _, v := range values {
			v.Clear()
		}
		found.Skipped = append(found.Skipped, importer.Skipped{Entry: entry, Title: title, Reason: "as you said"})
		return true
	}
	drafts, codes := found.Drafts, found.Codes
	found.Drafts, found.Codes = nil, nil
	for _, d := range drafts {
		if !leave(d.Entry, d.Title, d.Password, d.OTP) {
			found.Drafts = append(found.Drafts, d)
		}
	}
	for _, c := range codes {
		if !leave(c.Entry, c.Label(), c.OTP) {
			found.Codes = append(found.Codes, c)
		}
	}
	return nil
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

// toldImport is an import in JSON, without values.
type toldImport struct {
	Format  importer.Format `json:"format"`
	Logins  []toldLogin     `json:"logins"`
	Skipped []toldSkipped   `json:"skipped"`
	Notes   []string        `json:"notes,omitempty"`
	*client.Imported
}

type toldLogin struct {
	Entry    int                  `json:"entry"`
	Site     string               `json:"site"`
	Username string               `json:"username,omitempty"`
	Password bool                 `json:"password"`
	Codes    bool                 `json:"codes"`
	Into     hotcell.CredentialID `json:"into,omitempty"`
}

type toldSkipped struct {
	Entry  int    `json:"entry"`
	Title  string `json:"title,omitempty"`
	Reason string `json:"reason"`
}

func told(found *importer.Logins, plan []planned) *toldImport {
	out := &toldImport{Format: found.Format, Logins: []toldLogin{}, Skipped: []toldSkipped{}, Notes: found.Notes}
	for _, p := range plan {
		out.Logins = append(out.Logins, toldLogin{p.entry, p.where(), p.Username, p.Password.Len() > 0, p.OTP.Len() > 0, p.Into})
	}
	for _, s := range found.Skipped {
		out.Skipped = append(out.Skipped, toldSkipped(s))
	}
	return out
}

// preview shows what an import would make, and what it leaves out.
func (a *app) preview(found *importer.Logins, plan []planned, there int) error {
	has := func(v sensitive.Bytes) string {
		if v.Len() > 0 {
			return "yes"
		}
		return ""
	}
	rows := [][]string{{"ENTRY", "SITE", "USER NAME", "PASSWORD", "CODES", "INTO"}}
	for _, p := range plan {
		into := "a new login"
		if p.Into != "" {
			into = p.into
		}
		rows = append(rows, []string{strconv.Itoa(p.entry), p.where(), p.Username, has(p.Password), has(p.OTP), into})
	}
	if len(plan) > 0 {
		if err := a.table(rows); err != nil {
			return err
		}
	}
	told := fmt.Sprintf("%s: %s to import", found.Format, count(len(plan), "login"))
	if there > 0 {
		told += fmt.Sprintf(", %d there already", there)
	}
	if n := len(found.Skipped); n > 0 {
		told += fmt.Sprintf(", %d left out", n)
	}
	a.say("%s", told)
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
	word, err := a.ask(ctx, question+" [y/N] ")
	word = strings.ToLower(word)
	return err == nil && (word == "y" || word == "yes"), err
}

// ask asks a person for a line.
func (a *app) ask(ctx context.Context, question string) (string, error) {
	if !a.person() {
		return "", &usageError{"nobody can be asked here: say --yes", ""}
	}
	fmt.Fprint(a.Err, question)
	text, err := await(ctx, func() ([]byte, error) {
		line, err := bufio.NewReader(a.In).ReadString('\n')
		return []byte(line), err
	})
	return strings.TrimSpace(string(text)), err
}

// person says whether there is somebody to be asked.
func (a *app) person() bool { return term.IsTerminal(int(a.In.Fd())) }

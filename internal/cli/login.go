package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/cli/importer"
	"hotcell/internal/text/shell"
	"hotcell/internal/text/site"
	"hotcell/internal/value/otp"
	"hotcell/internal/value/sensitive"
)

func (a *app) logins() *cobra.Command {
	return group("logins", "Logins (tier 2): websites that the browser of a job signs in to",
		a.createLogin(), a.importLogins(), a.listLogins(), a.showLogin(), a.setLogin(), a.testLogin(), a.shareLogin(true), a.shareLogin(false), a.deleteLogin())
}

// loginFlags are the flags that values come by.
type loginFlags struct {
	password, otp, picture string
	// export is a file of an authenticator's, and entry which of it.
	export string
	entry  int
	space  spaceFlags
}

func (f *loginFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.password, "password-file", "", "read the password from a `file`; - is standard input (default: a prompt that does not show it)")
	c.Flags().StringVar(&f.otp, "otp-file", "", "read the secret of one-time codes from a `file`: base32 or an otpauth:// URI; - is standard input")
	f.space.add(c)
	c.Flags().StringVar(&f.picture, "otp-qr", "", "read it from a `picture` of a QR code, PNG or JPEG")
	c.Flags().StringVar(&f.export, "otp-from", "", "read it from a `file` of an authenticator's export: a text, or a picture of its QR code")
	c.Flags().IntVar(&f.entry, "entry", 0, "which entry of the export, counted from `1`, where it has several")
}

// read reads the values that were asked for; with ask, a password is prompted for
// where none is named.
func (f *loginFlags) read(ctx context.Context, a *app, ask bool) (password, code sensitive.Bytes, err error) {
	if f.password == "-" && f.otp == "-" {
		return password, code, usagef("standard input has one value: the password or the one-time-code secret")
	}
	if f.sources() > 1 {
		return password, code, usagef("--otp-file, --otp-qr or --otp-from: say one of them")
	}
	if f.password != "" || ask && f.sources() == 0 {
		if password, err = a.readValue(ctx, f.password, "the password", f.space); err != nil {
			return password, code, err
		}
	}
	switch {
	case f.otp != "":
		code, err = a.readValue(ctx, f.otp, "the one-time-code secret", spaceFlags{trim: true})
	case f.picture != "":
		code, err = a.readPicture(f.picture)
	case f.export != "":
		code, err = a.readExport(ctx, f.export, f.entry)
	}
	if err != nil || code.Len() == 0 {
		return password, code, err
	}
	// What is wrong is said here already, where the file has a name.
	err = code.Use(func(b []byte) error {
		secret, err := otp.Parse(b)
		if err == nil {
			secret.Key.Clear()
		}
		return err
	})
	return password, code, err
}

// sources is how many ways for the one-time-code secret were named.
func (f *loginFlags) sources() (n int) {
	for _, one := range []string{f.otp, f.picture, f.export} {
		if one != "" {
			n++
		}
	}
	return n
}

// readExport reads one entry of an authenticator's export.
func (a *app) readExport(ctx context.Context, path string, entry int) (out sensitive.Bytes, err error) {
	content, err := a.readFile(ctx, path)
	if err != nil {
		return out, err
	}
	defer sensitive.Wipe(content)
	codes, _, err := importer.ParseCodes(importer.File{Name: filepath.Base(path), Content: content})
	if err != nil {
		return out, err
	}
	var names []string
	for _, c := range codes {
		if c.Entry == entry || entry == 0 && len(codes) == 1 {
			out = c.OTP
			continue
		}
		names = append(names, fmt.Sprintf("%d (%s)", c.Entry, c.Label()))
		c.OTP.Clear()
	}
	if out.Len() == 0 {
		return out, usagef("say which entry of the export, with --entry: %s", strings.Join(names, ", "))
	}
	return out, nil
}

// readPicture reads the one QR code of a picture.
func (a *app) readPicture(path string) (sensitive.Bytes, error) {
	picture, err := os.ReadFile(path)
	if err != nil {
		return sensitive.Bytes{}, hotcell.Invalid("", "there is no file %s that can be read", path)
	}
	texts, err := otp.FromPicture(picture)
	if err != nil {
		return sensitive.Bytes{}, err
	}
	switch {
	case strings.HasPrefix(strings.ToLower(string(texts[0])), "otpauth-migration:"):
		err = &hinted{hotcell.Invalid("", "the picture is an export of an authenticator's entries"), "--otp-from " + shell.Quote(path) + " for one of them, or hotcell logins import " + shell.Quote(path)}
	case len(texts) > 1:
		err = hotcell.Invalid("", "the picture has %d QR codes: crop it to one", len(texts))
	default:
		return sensitive.New(texts[0]), nil
	}
	for _, text := range texts {
		sensitive.Wipe(text)
	}
	return sensitive.Bytes{}, err
}

func (a *app) createLogin() *cobra.Command {
	var flags loginFlags
	var d client.LoginDraft
	var request string
	c := command("create SITE [--username U] [--password-file F|-] [--otp-file F|- | --otp-qr PNG | --otp-from FILE]", "Create a login of a website",
		`Create a login of a website: its site, a user name, a password, the secret of its
one-time codes; at least one of the latter two.

The site is a URL or a host, and means exactly that host and port: nothing of the
login goes anywhere else. The password is read from a file, from standard input, or
from a prompt that does not show it; it is sealed before it leaves this process, and
no command ever shows it again.`,
		siteOperand,
		func(cmd *cobra.Command, args []string) (err error) {
			d.Site, d.Request = args[0], hotcell.RequestID(request)
			if _, err := site.Login(d.Site); err != nil {
				return err
			}
			if d.Password, d.OTP, err = flags.read(cmd.Context(), a, true); err != nil {
				return err
			}
			defer d.Password.Clear()
			defer d.OTP.Clear()
			made, err := a.client().CreateLogin(cmd.Context(), d)
			if err != nil {
				return err
			}
			a.advised(made.Advice)
			a.unguardedLogin(made.Credential)
			next := "; attach it: hotcell assignments attach ASSIGNMENT " + shell.Quote(made.Name)
			if request != "" {
				next = ", and the job that asked has it"
			}
			return a.made(string(made.ID), fmt.Sprintf("created the login %s with %s (%s)%s", made.Name, holds(made.Credential), groupOf(made.Credential), next), made)
		})
	flags.add(c)
	c.Flags().StringVar(&d.Username, "username", "", "the `user` name at the site")
	c.Flags().StringVar(&d.Name, "name", "", "what it is called here (default: its site and user name)")
	shareFlag(c, &d.Shared)
	c.Flags().StringVar(&request, "request", "", "the `id` of the job's request that this answers: the job gets the login at once")
	c.Flags().BoolVar(&d.Standing, "standing", false, "with --request: attach it to the job's assignment as well")
	return c
}

// siteOperand takes one site, which may be an address with a path and a query.
func siteOperand(cmd *cobra.Command, args []string) error {
	if len(args) == 1 && isSite(args[0]) {
		return nil
	}
	return noValues(cobra.ExactArgs(1), func([]string) string { return "hotcell logins create portal.acme.com --username ada" })(cmd, args)
}

// isSite says whether a text with a = in it is an address, and no NAME=value.
func isSite(text string) bool {
	before, _, assigned := strings.Cut(text, "=")
	return !assigned || strings.ContainsAny(before, "/?")
}

func (a *app) unguardedLogin(c hotcell.Credential) {
	if c.Login != nil && c.Login.Unguarded != "" {
		a.say("warning: the password is not guarded, in logs or on the way out: %s", c.Login.Unguarded)
	}
}

// holds says what a login has.
func holds(c hotcell.Credential) string {
	var parts []string
	if c.Login.Password {
		parts = append(parts, "password")
	}
	if c.Login.OTP {
		parts = append(parts, "one-time codes")
	}
	return strings.Join(parts, " and ")
}

// loginSite is where a login is for.
func loginSite(c hotcell.Credential) string {
	if c.Login == nil {
		return c.Name
	}
	return site.FormatLogin(*c.Login)
}

func (a *app) listLogins() *cobra.Command {
	var f listFlags
	return f.add(command("list", "List the logins that you may know of", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		list, err := a.client().Logins(cmd.Context(), "")
		if err != nil {
			return err
		}
		return printList(a, &f, list, "no logins yet: hotcell logins create portal.acme.com --username ada", credentialID, []column[hotcell.Credential]{
			{"NAME", credentialName}, {"GROUP", groupOf}, {"SITE", loginSite}, {"USER NAME", func(c hotcell.Credential) string { return c.Login.Username }},
			{"HAS", holds}, {"CHANGED", changedAt}, {"ID", credentialID},
		})
	}))
}

func (a *app) showLogin() *cobra.Command {
	return command("show LOGIN", "Show a login, without its password and codes", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		l, err := a.loginOf(cmd.Context(), a.client(), args[0])
		if err != nil {
			return err
		}
		if a.output == "json" {
			return a.json(l)
		}
		rows := [][]string{
			{"name", l.Name}, {"id", string(l.ID)}, {"group", groupOf(l.Credential)}, {"site", loginSite(l.Credential)}, {"user name", l.Login.Username},
			{"has", holds(l.Credential), l.Login.Unguarded}, {"changed", at(l.UpdatedAt)},
		}
		rows = append(rows, []string{"signs in on", startOf(l.Credential)})
		rows = append(rows, wayRows(l.Credential)...)
		for _, at := range l.Attachments {
			rows = append(rows, []string{"attached to", at.Name, string(at.Assignment)})
		}
		return a.table(append(rows, heldRows(l.Held)...))
	})
}

func (a *app) setLogin() *cobra.Command {
	var flags loginFlags
	var name, username, start string
	var unset []string
	var prompt, forget bool
	c := command("set LOGIN [--username U] [--password | --password-file F|-] [--otp-file F|- | --otp-qr PNG | --otp-from FILE] [--unset password|otp]", "Set some of a login; the rest stays as it is",
		`Set some of a login; the rest stays as it is. Its site does not change: another site
is another login. Jobs that run keep what they started with.`,
		noValues(oneBesidePrompt, func(args []string) string { return "hotcell logins set " + shell.Quote(keyOf(args[0])) + " --password" }),
		func(cmd *cobra.Command, args []string) (err error) {
			var change client.LoginChange
			if cmd.Flags().Changed("username") {
				change.Username = &username
			}
			if cmd.Flags().Changed("name") {
				change.Name = &name
			}
			if cmd.Flags().Changed("start") {
				change.Start = &start
			}
			change.Unset, change.Forget = unset, forget
			if change.Password, change.OTP, err = flags.read(cmd.Context(), a, prompt); err != nil {
				return err
			}
			defer change.Password.Clear()
			defer change.OTP.Clear()
			if change.Username == nil && change.Name == nil && change.Start == nil && !forget && change.Password.Len()+change.OTP.Len()+len(unset) == 0 {
				return &usageError{"what is to be set?", "hotcell logins set " + shell.Quote(args[0]) + " --password"}
			}
			c := a.client()
			l, err := a.loginOf(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			now, err := c.ChangeLogin(cmd.Context(), l.ID, l.Revision, change)
			if err != nil {
				return err
			}
			a.unguardedLogin(now.Credential)
			return a.made(string(now.ID), fmt.Sprintf("set: %s has %s, and is at version %d", now.Name, holds(now.Credential), now.Version), now)
		})
	flags.add(c)
	c.Flags().BoolVar(&prompt, "password", false, "ask for a new password, without showing it")
	c.Flags().StringVar(&username, "username", "", "another `user` name")
	c.Flags().StringVar(&name, "name", "", "another `name`")
	c.Flags().StringVar(&start, "start", "", "the `address` of the page to sign in on, on the login's site")
	c.Flags().BoolVar(&forget, "forget-way", false, "forget by which requests it signs in: people are asked again")
	c.Flags().StringSliceVar(&unset, "unset", nil, "forget the `password` or the otp")
	return c
}

// oneBesidePrompt takes one argument: what stands behind --password is a value, which
// that asks for.
func oneBesidePrompt(cmd *cobra.Command, args []string) error {
	if len(args) > 1 && cmd.Flags().Changed("password") {
		return &usageError{neverArgument, "--password asks for it, and does not show it; or --password-file password.txt"}
	}
	return cobra.ExactArgs(1)(cmd, args)
}

func (a *app) shareLogin(shared bool) *cobra.Command {
	use, short := "share LOGIN", "Share a login with the workspace: all may use it, nobody can view it"
	if !shared {
		use, short = "unshare LOGIN", "Make a login personal again; others' jobs that use it end"
	}
	var sure sureFlag
	run := command(use, short, "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		l, err := a.loginOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		if !shared {
			if err := a.unsharing(cmd.Context(), sure, c, l.Credential, l.Attachments); err != nil {
				return err
			}
		}
		now, err := c.ShareLogin(cmd.Context(), l.ID, shared)
		if err != nil {
			return err
		}
		return a.made(string(now.ID), fmt.Sprintf("%s is %s now", now.Name, groupOf(now.Credential)), now)
	})
	if !shared {
		sure.add(run)
	}
	return run
}

func (a *app) deleteLogin() *cobra.Command {
	var sure destroyFlag
	return sure.add(command("delete LOGIN", "Delete a login, so that it can be taken back for 7 days; jobs that use it end", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		l, err := a.loginOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		if err := a.deletingCredential(cmd, sure.sureFlag, l.Credential, l.Attachments, sure.gone("Its password and codes")); err != nil {
			return err
		}
		if err := c.DeleteLogin(cmd.Context(), l.ID, l.Revision, sure.name); err != nil {
			return err
		}
		return a.made(string(l.ID), sure.told(l.Credential, ""), map[string]string{"deleted": string(l.ID)})
	}))
}

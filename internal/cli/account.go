package cli

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/value/sensitive"
)

func (a *app) join() *cobra.Command {
	f := signingIn{joins: true}
	c := command("join URL", "Come into a workspace by an invitation, and have commands talk to its server",
		`Come into a workspace by an invitation, and have commands talk to its server.

It asks for the invitation, for the name that you want to sign in by, and for a password
of at least 12 characters. Who has an account there gives its name and password. All of
that is sealed to the vault before it leaves this process.`, cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error { return a.signIn(cmd.Context(), args[0], f) })
	f.add(c)
	c.Flags().StringVar(&f.invitation, "invitation-file", "", "read the invitation from a `file`; - is standard input")
	return c
}

// account is whose name and password somebody gives.
func (a *app) account(ctx context.Context, url string, f signingIn) (name string, password sensitive.Bytes, err error) {
	if name = f.user; name == "" {
		if name, err = a.ask(ctx, "your name at "+url+": "); err != nil {
			return "", password, err
		}
	}
	if f.password == "" && f.joins && !a.knows(ctx) {
		password, err = a.newPassword(ctx)
		return name, password, err
	}
	password, err = a.password(ctx, f.password, "your password (not shown): ")
	return name, password, err
}

// knows asks whether somebody has an account already.
func (a *app) knows(ctx context.Context) bool {
	said, err := a.ask(ctx, "have you an account there already? (y/N) ")
	return err == nil && (said == "y" || said == "yes")
}

// password reads one: from a file, from standard input, or from a prompt without echo.
func (a *app) password(ctx context.Context, file, question string) (sensitive.Bytes, error) {
	var text []byte
	var err error
	switch {
	case file != "":
		text, err = a.readFile(ctx, file)
	case term.IsTerminal(int(a.In.Fd())):
		text, err = a.unseen(ctx, question)
	default:
		err = &usageError{"nobody can be asked for a password here", "give it by --password-file FILE|-"}
	}
	if err != nil {
		return sensitive.Bytes{}, err
	}
	line := bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if len(line) == 0 {
		return sensitive.Bytes{}, hotcell.Invalid("", "the password is empty")
	}
	return sensitive.New(line), nil
}

// newPassword asks for one twice.
func (a *app) newPassword(ctx context.Context) (sensitive.Bytes, error) {
	first, err := a.password(ctx, "", "the password you want, of at least 12 characters (not shown): ")
	if err != nil {
		return first, err
	}
	again, err := a.password(ctx, "", "once more: ")
	defer again.Clear()
	if err == nil {
		err = again.Use(func(b []byte) error {
			if !first.Equal(b) {
				return hotcell.Invalid("", "the two are not the same: nothing was changed")
			}
			return nil
		})
	}
	if err != nil {
		first.Clear()
	}
	return first, err
}

func (a *app) setPassword() *cobra.Command {
	var user, file, before string
	c := command("password", "Set your password at the server; all your other sessions end",
		`Set your password at the server; all your other sessions end.

On the server's own machine, its owner makes their account by this: the name that they
sign in by from elsewhere, and a password. What they have kept so far is that account's.`, cobra.NoArgs,
		func(cmd *cobra.Command, _ []string) error {
			ctx, c := cmd.Context(), a.client()
			who, err := c.Account(ctx)
			if err != nil {
				return err
			}
			if who.Person != nil {
				user = who.Person.Name
			}
			if user == "" {
				if user, err = a.ask(ctx, "the name that you want to sign in by: "); err != nil {
					return err
				}
			}
			var was, next sensitive.Bytes
			if who.Session != nil {
				if was, err = a.password(ctx, before, "your password so far (not shown): "); err != nil {
					return err
				}
				defer was.Clear()
			}
			if file == "" && term.IsTerminal(int(a.In.Fd())) {
				next, err = a.newPassword(ctx)
			} else {
				next, err = a.password(ctx, file, "")
			}
			if err != nil {
				return err
			}
			defer next.Clear()
			out, err := c.SetPassword(ctx, user, next, was)
			if err != nil {
				return err
			}
			return a.made(string(out.Person.ID), fmt.Sprintf("%s signs in by this password from now on", out.Person.Name), out)
		})
	c.Flags().StringVar(&user, "user", "", "the `name` to sign in by, for who has no account yet")
	c.Flags().StringVar(&file, "password-file", "", "read the password from a `file`; - is standard input")
	c.Flags().StringVar(&before, "before-file", "", "read the password so far from a `file`")
	return c
}

func (a *app) sessions() *cobra.Command {
	return group("sessions", "Where you are signed in", a.listSessions(), a.endOne())
}

func (a *app) listSessions() *cobra.Command {
	var f listFlags
	return f.add(command("list", "List your sessions", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		c := a.client()
		who, err := c.Account(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.Sessions(cmd.Context())
		if err != nil {
			return err
		}
		id := func(s hotcell.Session) string { return string(s.ID) }
		return printList(a, &f, list, "you are signed in nowhere", id, []column[hotcell.Session]{
			{"ID", id}, {"DEVICE", func(s hotcell.Session) string { return s.Device }}, {"FROM", func(s hotcell.Session) string { return s.Address }},
			{"SINCE", func(s hotcell.Session) string { return at(s.CreatedAt) }}, {"LAST USED", func(s hotcell.Session) string { return at(s.SeenAt) }},
			{"UNTIL", func(s hotcell.Session) string { return at(s.ExpiresAt) }},
			{"THIS", func(s hotcell.Session) string {
				if who.Session != nil && who.Session.ID == s.ID {
					return "yes"
				}
				return ""
			}},
		})
	}))
}

func (a *app) endOne() *cobra.Command {
	var others bool
	c := command("end [SESSION]", "End one of your sessions, or all others by --others", "", cobra.MaximumNArgs(1), func(cmd *cobra.Command, args []string) error {
		if (len(args) == 1) == others {
			return &usageError{"which session shall end?", "hotcell auth sessions end SESSION, or: hotcell auth sessions end --others"}
		}
		id := hotcell.SessionID("")
		if len(args) == 1 {
			id = hotcell.SessionID(args[0])
			if hotcell.CheckID(args[0], hotcell.PrefixSession) != nil {
				return &hinted{fmt.Errorf("%w: there is no session %q", hotcell.ErrNotFound, args[0]), "see what there is: hotcell auth sessions list"}
			}
		}
		if err := a.client().EndSession(cmd.Context(), id); err != nil {
			return err
		}
		return a.made(string(id), "ended", map[string]string{"ended": string(id)})
	})
	c.Flags().BoolVar(&others, "others", false, "all but the one in use")
	return c
}

// confirming asks for the password that confirms an operation, once its sentence is shown.
func (a *app) confirming() client.Confirm {
	return func(ctx context.Context, o hotcell.Operation) (sensitive.Bytes, error) {
		file := a.Getenv(envPasswordFile)
		if file == "" && !term.IsTerminal(int(a.In.Fd())) {
			return sensitive.Bytes{}, &hinted{&hotcell.ConfirmError{Operation: o}, "type it where you can be asked for your password, give that in a file by $" + envPasswordFile + ", or have an API token with the right scope made for scripts"}
		}
		fmt.Fprintf(a.Err, "this takes your password, for this one time:\n  %s\n", safe(o.Text))
		return a.password(ctx, file, "your password (not shown): ")
	}
}

// envPasswordFile names a file with the password that confirms operations.
const envPasswordFile = "HOTCELL_PASSWORD_FILE"

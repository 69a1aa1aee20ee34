package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/cli/profile"
	"hotcell/internal/text/shell"
)

func (a *app) auth() *cobra.Command {
	return group("auth", "Signing in to servers elsewhere, and which of them commands talk to",
		a.login(), a.join(), a.logout(), a.authStatus(), a.setPassword(), a.sessions(), a.useProfile(), a.listProfiles())
}

// signingIn is what a sign-in is given.
type signingIn struct {
	ca, name, token, workspace string
	user, password, invitation string
	// joins is true where they come in by an invitation.
	joins bool
}

func (f *signingIn) add(c *cobra.Command) {
	c.Flags().StringVar(&f.ca, "ca", "", "a `file` of certificates in PEM that may vouch for the server ($HOTCELL_CA)")
	c.Flags().StringVar(&f.name, "name", "", "the `profile`'s name; the host's without")
	c.Flags().StringVar(&f.workspace, "workspace", "", "the `id` of the workspace that is meant, where you are in several")
	c.Flags().StringVar(&f.user, "user", "", "the `name` of your account, which is asked for else")
	c.Flags().StringVar(&f.password, "password-file", "", "read your password from a `file`; - is standard input")
}

func (a *app) login() *cobra.Command {
	var f signingIn
	c := command("login URL", "Sign in to a server elsewhere, and have commands talk to it",
		`Sign in to a server elsewhere, and have commands talk to it.

It asks for your name and your password, which is sealed to the vault before it leaves
this process; or it reads a token with --token-file. It is kept as a profile: the server's address, and what it gave to prove who you are.
That is in the system's keyring, or where there is none in a file that only you can
read. A token is tried before it is kept. The vault's identity is pinned the first time
that a server is seen; if it changes, nothing is sent.`, cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error { return a.signIn(cmd.Context(), args[0], f) })
	f.add(c)
	c.Flags().StringVar(&f.token, "token-file", "", "read a token from a `file`; - is standard input")
	return c
}

func (a *app) signIn(ctx context.Context, given string, f signingIn) error {
	url, err := client.Address(given)
	if err != nil {
		return err
	}
	store, p := a.profiles(), profile.Profile{Name: cmp.Or(f.name, profile.NameOf(url)), URL: url}
	if err := profile.Check(p.Name); err != nil {
		return err
	}
	if was, err := store.Get(p.Name); err == nil && was.URL != url {
		return &hinted{fmt.Errorf("%w: the profile %s is for %s", hotcell.ErrConflict, p.Name, was.URL), "give another --name, or: hotcell auth logout " + p.Name + " --forget"}
	} else if err != nil && !errors.Is(err, hotcell.ErrNotFound) {
		return err
	} else if err == nil {
		p.Authority = was.Authority
	}
	o := client.Options{URL: url, Pin: a.pinned()}
	if file := cmp.Or(f.ca, a.Getenv(envCA)); file != "" {
		p.Authority, o.Roots, err = authority(file)
	} else if p.Authority != "" {
		o.Roots, err = roots([]byte(p.Authority))
	}
	if err != nil {
		return err
	}
	if o.Bearer, err = a.proof(ctx, o, f, &p); err != nil {
		return err
	}
	if err := a.signedIn(ctx, store, p, o); err != nil {
		if p.Session != "" { // nobody has what it could be used by
			err = errors.Join(err, client.New(o).SignOut(context.WithoutCancel(ctx)))
		}
		return err
	}
	return nil
}

// bearerOf is a bearer as somebody wrote it down.
func bearerOf(text []byte) (hotcell.Bearer, error) {
	word := bytes.TrimSpace(text)
	if len(word) == 0 {
		return "", hotcell.Invalid("", "the token is empty")
	}
	if bytes.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", hotcell.Invalid("", "a token is one word on one line")
	}
	return hotcell.Bearer(word), nil
}

// signedIn tries a bearer, and keeps it where the server knows it.
func (a *app) signedIn(ctx context.Context, store *profile.Store, p profile.Profile, o client.Options) error {
	o.Workspace = p.Workspace
	w, err := client.New(o).Known(ctx)
	if errors.Is(err, hotcell.ErrSignIn) {
		return &hinted{fmt.Errorf("%w: the server at %s does not take this token, and nothing is kept", hotcell.ErrSignIn, p.URL), "have a new one made there, or see whether it is for another server"}
	}
	if err != nil {
		return err
	}
	p.Workspace = w.Workspace.ID
	if p, err = store.Save(ctx, p, o.Bearer); err != nil {
		return err
	}
	if err := store.Use(p.Name); err != nil {
		return err
	}
	if p.Kept == profile.InFile {
		a.say("hotcell: warning: this machine has no keyring that answers: what proves who you are is in a file that only you can read, in %s", a.settings())
	}
	return a.made(p.Name, fmt.Sprintf("signed in to %s as %s (%s) of %s; commands talk to it now, by the profile %s", p.URL, w.Member.Name, w.Member.Role, w.Workspace.Name, p.Name), a.stateOf(p, &w))
}

func (a *app) logout() *cobra.Command {
	var forget bool
	c := command("logout [PROFILE]", "Sign out of a server: what proves who you are is forgotten here",
		`Sign out of a server: the session ends there, and what proves who you are is forgotten
here. A token goes on to be good until it is deleted at the server. Without PROFILE it is the current one. The
profile itself stays, so that no command falls back to another server; --forget takes
it away too.`, cobra.MaximumNArgs(1), func(cmd *cobra.Command, args []string) error {
			store := a.profiles()
			name, err := a.profileOf(store, args)
			if err != nil {
				return err
			}
			p, err := store.Get(name)
			if err != nil {
				return err
			}
			a.endSession(cmd.Context(), store, p)
			if err := store.Forget(cmd.Context(), p); err != nil {
				return err
			}
			if forget {
				if err := store.Remove(name); err != nil {
					return err
				}
			}
			return a.made(name, "signed out of "+p.URL, map[string]any{"profile": name, "server": p.URL, "forgotten": forget})
		})
	c.Flags().BoolVar(&forget, "forget", false, "take the profile away too")
	return c
}

// endSession ends a profile's session at its server, as far as that can be reached.
func (a *app) endSession(ctx context.Context, store *profile.Store, p profile.Profile) {
	if p.Session == "" {
		return
	}
	o := client.Options{URL: p.URL, Workspace: p.Workspace}
	bearer, err := store.Bearer(ctx, p)
	if err == nil && p.Authority != "" {
		o.Roots, err = roots([]byte(p.Authority))
	}
	if err == nil {
		o.Bearer = bearer
		err = client.New(o).SignOut(ctx)
	}
	if err != nil && !errors.Is(err, hotcell.ErrSignIn) {
		a.say("hotcell: warning: the session at %s may go on until it ends by itself: %s", p.URL, inOurWords(err))
	}
}

// profileOf is the profile that is named, or else the one that is in use.
func (a *app) profileOf(store *profile.Store, args []string) (string, error) {
	if len(args) == 1 {
		return args[0], nil
	}
	name := cmp.Or(a.profile, a.Getenv(envProfile))
	if name != "" {
		return name, nil
	}
	name, err := store.Current()
	if err == nil && name == "" {
		err = &hinted{fmt.Errorf("%w: no profile is in use", hotcell.ErrNotFound), "see what there is: hotcell auth profiles"}
	}
	return name, err
}

// authState is what `auth status` and `auth profiles` tell.
type authState struct {
	Profile   string              `json:"profile,omitempty"`
	Server    string              `json:"server"`
	By        string              `json:"by,omitempty"`
	Current   bool                `json:"current,omitempty"`
	Workspace hotcell.WorkspaceID `json:"workspace,omitempty"`
	Name      string              `json:"workspace_name,omitempty"`
	Member    string              `json:"member,omitempty"`
	Role      hotcell.Role        `json:"role,omitempty"`
	Kept      profile.Place       `json:"kept,omitempty"`
	Expires   *time.Time          `json:"expires,omitempty"`
	Identity  string              `json:"identity,omitempty"`
}

func (a *app) stateOf(p profile.Profile, w *client.Workspace) authState {
	s := authState{Profile: p.Name, Server: p.URL, Workspace: p.Workspace, Kept: p.Kept, Expires: p.Expires}
	if w != nil {
		s.Workspace, s.Name, s.Member, s.Role, s.Identity = w.Workspace.ID, w.Workspace.Name, w.Member.Name, w.Member.Role, w.IdentityFingerprint
	}
	return s
}

func (a *app) authStatus() *cobra.Command {
	return command("status", "Which server commands talk to, and who you are there", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		c := a.client()
		on := a.reached
		w, err := c.Known(cmd.Context())
		if err != nil {
			return err
		}
		p, err := a.profiles().Get(on.profile)
		if on.profile == "" || err != nil {
			p = profile.Profile{URL: on.name()}
		}
		s := a.stateOf(p, &w)
		s.By = on.by
		if a.output == "json" {
			return a.json(s)
		}
		rows := [][]string{{"server", s.Server, by(s.By)}, {"you", s.Member + " (" + string(s.Role) + ")"}, {"workspace", s.Name, string(s.Workspace)}, {"identity", s.Identity}}
		if s.Profile != "" {
			rows = append(rows, []string{"profile", s.Profile}, []string{"kept in", placeWords(s.Kept)})
		}
		if s.Expires != nil {
			rows = append(rows, []string{"expires", at(*s.Expires)})
		}
		return a.table(rows)
	})
}

// by says what named a server.
func by(what string) string {
	if what == "" {
		return ""
	}
	return "by " + what
}

func placeWords(kept profile.Place) string {
	switch kept {
	case profile.InKeyring:
		return "the system's keyring"
	case profile.InFile:
		return "a file that only you can read"
	}
	return "nowhere: signed out"
}

func (a *app) useProfile() *cobra.Command {
	return command("use PROFILE", "Have commands talk to the server of a profile", "", cobra.ExactArgs(1), func(_ *cobra.Command, args []string) error {
		store := a.profiles()
		if err := store.Use(args[0]); err != nil {
			return &hinted{err, "see what there is: hotcell auth profiles"}
		}
		p, err := store.Get(args[0])
		if err != nil {
			return err
		}
		return a.made(args[0], "commands talk to "+p.URL+" now, by the profile "+shell.Quote(args[0]), a.stateOf(p, nil))
	})
}

func (a *app) listProfiles() *cobra.Command {
	var f listFlags
	return f.add(command("profiles", "List the servers that this machine knows", "", cobra.NoArgs, func(*cobra.Command, []string) error {
		list, err := a.profiles().List()
		if err != nil {
			return err
		}
		current, err := a.profiles().Current()
		if err != nil {
			return err
		}
		var out []authState
		for _, p := range list {
			s := a.stateOf(p, nil)
			s.Current = p.Name == current
			out = append(out, s)
		}
		name := func(s authState) string { return s.Profile }
		return printList(a, &f, out, "no server elsewhere is known here yet: hotcell auth login URL", name, []column[authState]{
			{"PROFILE", name}, {"SERVER", func(s authState) string { return s.Server }}, {"CURRENT", func(s authState) string { return map[bool]string{true: "yes"}[s.Current] }},
			{"KEPT IN", func(s authState) string { return placeWords(s.Kept) }},
		})
	}))
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/cli/profile"
	"hotcell/internal/value/sensitive"
)

// proof is the bearer that a person proves themselves by: a token that they have, or that
// of a session which is made by their name and password.
func (a *app) proof(ctx context.Context, o client.Options, f signingIn, p *profile.Profile) (hotcell.Bearer, error) {
	p.Workspace = hotcell.WorkspaceID(f.workspace)
	if f.token != "" {
		text, err := a.readFile(ctx, f.token)
		if err != nil {
			return "", err
		}
		defer sensitive.Wipe(text)
		return bearerOf(text)
	}
	if !term.IsTerminal(int(a.In.Fd())) && (f.user == "" || f.password == "") {
		return "", &usageError{"nobody can be asked for a name and a password here", "hotcell auth login URL --token-file FILE|-"}
	}
	made, err := a.session(ctx, client.New(o), p.URL, f)
	if err != nil {
		return "", err
	}
	p.Session = made.Session.ID
	if ends := made.Session.ExpiresAt; !ends.IsZero() {
		p.Expires = &ends
	}
	if f.workspace == "" && len(made.Members) > 1 {
		var known []string
		for _, m := range made.Members {
			known = append(known, fmt.Sprintf("%s (%s)", m.Workspace, m.Role))
		}
		o.Bearer = made.Bearer
		err = &usageError{"you are in several workspaces: " + strings.Join(known, ", "), "name one: hotcell auth login URL --workspace ID"}
		return "", errors.Join(err, client.New(o).SignOut(ctx))
	}
	return made.Bearer, nil
}

// session makes a session by a name and a password, and by an invitation where they join.
func (a *app) session(ctx context.Context, c *client.Client, url string, f signingIn) (made client.SignedIn, err error) {
	var invitation hotcell.Bearer
	if f.joins {
		if invitation, err = a.invited(ctx, f.invitation); err != nil {
			return made, err
		}
	}
	name, password, err := a.account(ctx, url, f)
	if err != nil {
		return made, err
	}
	defer password.Clear()
	if f.joins {
		return c.Join(ctx, name, password, invitation, device())
	}
	return c.SignIn(ctx, name, password, device())
}

// invited reads an invitation.
func (a *app) invited(ctx context.Context, file string) (hotcell.Bearer, error) {
	var text []byte
	var err error
	if file != "" {
		text, err = a.readFile(ctx, file)
	} else {
		text, err = a.unseen(ctx, "your invitation (not shown): ")
	}
	if err != nil {
		return "", err
	}
	defer sensitive.Wipe(text)
	return bearerOf(text)
}

// device is what a session made here is known by.
func device() string {
	if host, err := os.Hostname(); err == nil {
		return "hotcell on " + safe(host)
	}
	return "hotcell"
}

package cli

import (
	"context"
	"fmt"
	"strings"

	"hotcell"
	"hotcell/client"
)

// secretOf finds a secret by its id or name.
func (a *app) secretOf(ctx context.Context, c *client.Client, text string) (client.Secret, error) {
	if hotcell.CheckID(text, hotcell.PrefixSecret) == nil {
		return c.Secret(ctx, hotcell.CredentialID(text))
	}
	found, err := c.Secrets(ctx, text)
	if err != nil {
		return client.Secret{}, err
	}
	one, err := only(found, "secret", "hotcell secrets list", text)
	if err != nil {
		return client.Secret{}, err
	}
	return c.Secret(ctx, one.ID)
}

// loginOf finds a login by its id or name.
func (a *app) loginOf(ctx context.Context, c *client.Client, text string) (client.Login, error) {
	if hotcell.CheckID(text, hotcell.PrefixLogin) == nil {
		return c.Login(ctx, hotcell.CredentialID(text))
	}
	found, err := c.Logins(ctx, text)
	if err != nil {
		return client.Login{}, err
	}
	one, err := only(found, "login", "hotcell logins list", text)
	if err != nil {
		return client.Login{}, err
	}
	return c.Login(ctx, one.ID)
}

// connectionOf finds a connection by its id or name.
func (a *app) connectionOf(ctx context.Context, c *client.Client, text string) (client.Connection, error) {
	if hotcell.CheckID(text, hotcell.PrefixConnection) == nil {
		return c.Connection(ctx, hotcell.CredentialID(text))
	}
	found, err := c.Connections(ctx, text)
	if err != nil {
		return client.Connection{}, err
	}
	one, err := only(found, "connection", "hotcell connections list", text)
	if err != nil {
		return client.Connection{}, err
	}
	return c.Connection(ctx, one.ID)
}

// credentialOf finds a secret or a connection by its id or name.
func (a *app) credentialOf(ctx context.Context, c *client.Client, text string) (hotcell.Credential, error) {
	if hotcell.CheckID(text, hotcell.PrefixSecret) == nil {
		s, err := c.Secret(ctx, hotcell.CredentialID(text))
		return s.Credential, err
	}
	if hotcell.CheckID(text, hotcell.PrefixConnection) == nil {
		found, err := c.Connection(ctx, hotcell.CredentialID(text))
		return found.Credential, err
	}
	if hotcell.CheckID(text, hotcell.PrefixLogin) == nil {
		found, err := c.Login(ctx, hotcell.CredentialID(text))
		return found.Credential, err
	}
	var found []hotcell.Credential
	for _, list := range []func(context.Context, string) ([]hotcell.Credential, error){c.Secrets, c.Connections, c.Logins} {
		more, err := list(ctx, text)
		if err != nil {
			return hotcell.Credential{}, err
		}
		found = append(found, more...)
	}
	return only(found, "credential", "hotcell secrets list, hotcell logins list, hotcell connections list", text)
}

// only returns the one credential of a name, or says why there is not one.
func only(found []hotcell.Credential, what, list, text string) (hotcell.Credential, error) {
	switch len(found) {
	case 0:
		return hotcell.Credential{}, &hinted{fmt.Errorf("%w: there is no %s %q", hotcell.ErrNotFound, what, text), "see what there is: " + list}
	case 1:
		return found[0], nil
	}
	var ids []string
	for _, c := range found {
		kind := groupOf(c)
		if what == "credential" {
			kind += " " + string(c.Tier)
		}
		ids = append(ids, fmt.Sprintf("%s (%s)", c.ID, kind))
	}
	return hotcell.Credential{}, &hinted{fmt.Errorf("%w: there are several %ss %q", hotcell.ErrConflict, what, text), "name one by its id: " + strings.Join(ids, " or ")}
}

func groupOf(c hotcell.Credential) string {
	if c.Shared {
		return "team"
	}
	return "personal"
}

// assignmentOf finds an assignment by its id or name.
func (a *app) assignmentOf(ctx context.Context, c *client.Client, text string) (client.Assignment, error) {
	if hotcell.CheckID(text, hotcell.PrefixAssignment) == nil {
		return c.Assignment(ctx, hotcell.AssignmentID(text))
	}
	found, err := c.Assignments(ctx, text)
	if err != nil {
		return client.Assignment{}, err
	}
	if len(found) == 0 {
		return client.Assignment{}, &hinted{fmt.Errorf("%w: there is no assignment %q", hotcell.ErrNotFound, text), "see what there is: hotcell assignments list"}
	}
	return c.Assignment(ctx, found[0].ID)
}

// jobOf checks a job's id.
func jobOf(text string) (hotcell.JobID, error) {
	if err := hotcell.CheckID(text, hotcell.PrefixJob); err != nil {
		return "", &hinted{fmt.Errorf("%w: there is no job %q", hotcell.ErrNotFound, text), "see what there is: hotcell jobs list"}
	}
	return hotcell.JobID(text), nil
}

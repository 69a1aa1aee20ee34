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
	switch len(found) {
	case 0:
		return client.Secret{}, &hinted{fmt.Errorf("%w: there is no secret %q", hotcell.ErrNotFound, text), "see what there is: hotcell secrets list"}
	case 1:
		return c.Secret(ctx, found[0].ID)
	}
	var ids []string
	for _, s := range found {
		ids = append(ids, fmt.Sprintf("%s (%s)", s.ID, groupOf(s)))
	}
	return client.Secret{}, &hinted{fmt.Errorf("%w: there are several secrets %q", hotcell.ErrConflict, text), "name one by its id: " + strings.Join(ids, " or ")}
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

package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"hotcell"
)

// Leaving is what goes with a member who is removed, or would: how many credentials are
// destroyed and how many stay, the jobs that end, and the assignments that will miss one.
type Leaving struct {
	Member   hotcell.Member `json:"member"`
	Personal int            `json:"personal"`
	Shared   int            `json:"shared"`
	Jobs     int            `json:"jobs"`
	Tokens   int            `json:"tokens"`
	Missing  []struct {
		Assignment hotcell.AssignmentID `json:"assignment"`
		Name       string               `json:"name"`
	} `json:"missing,omitempty"`
}

// Members lists who is in the workspace.
func (c *Client) Members(ctx context.Context) ([]hotcell.Member, error) {
	return items[hotcell.Member](ctx, c, "/v1/members", nil)
}

// ChangeMember gives a member another role or name; nil leaves one as it is.
func (c *Client) ChangeMember(ctx context.Context, id hotcell.MemberID, role *hotcell.Role, name *string) (out hotcell.Member, err error) {
	body := struct {
		Role *hotcell.Role `json:"role,omitempty"`
		Name *string       `json:"name,omitempty"`
	}{role, name}
	return out, c.json(ctx, http.MethodPatch, memberPath(id), nil, "", body, &out)
}

func memberPath(id hotcell.MemberID) string { return "/v1/members/" + url.PathEscape(string(id)) }

// Leaving says what would go with a member.
func (c *Client) Leaving(ctx context.Context, id hotcell.MemberID) (out Leaving, err error) {
	return out, c.json(ctx, http.MethodGet, memberPath(id)+"/leaving", nil, "", nil, &out)
}

// RemoveMember removes one, and says what went with them.
func (c *Client) RemoveMember(ctx context.Context, id hotcell.MemberID) (out Leaving, err error) {
	return out, c.json(ctx, http.MethodDelete, memberPath(id), nil, "", nil, &out)
}

// Invite makes an invitation; bound, where it is not empty, is the only account that may
// use it. The bearer is told this once.
func (c *Client) Invite(ctx context.Context, role hotcell.Role, bound string, good time.Duration) (hotcell.Invitation, hotcell.Bearer, error) {
	body := struct {
		Role hotcell.Role `json:"role"`
		For  string       `json:"for,omitempty"`
		Time int64        `json:"time,omitempty"`
	}{role, bound, int64(good / time.Second)}
	var out struct {
		hotcell.Invitation
		Token string `json:"token"`
	}
	err := c.json(ctx, http.MethodPost, "/v1/invitations", nil, "", body, &out)
	return out.Invitation, hotcell.Bearer(out.Token), err
}

// Invitations lists the open ones, newest first.
func (c *Client) Invitations(ctx context.Context) ([]hotcell.Invitation, error) {
	return items[hotcell.Invitation](ctx, c, "/v1/invitations", nil)
}

// Uninvite takes one back.
func (c *Client) Uninvite(ctx context.Context, id hotcell.InvitationID) error {
	return c.json(ctx, http.MethodDelete, "/v1/invitations/"+url.PathEscape(string(id)), nil, "", nil, nil)
}

package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"hotcell"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/sensitive"
)

// Variable is a variable with its value, which the caller clears.
type Variable struct {
	Name  string
	Value sensitive.Bytes
}

// Secret is a secret as it is shown: never a value.
type Secret struct {
	hotcell.Credential
	Attachments []AttachedAssignment `json:"attachments,omitempty"`
	// Held says by which key its values are held, where it was shown.
	Held *hotcell.Holding `json:"held,omitempty"`
	// Advice says of what was just set that there is a more protected way.
	Advice []Advice `json:"advice,omitempty"`
}

// AttachedAssignment is an assignment that a credential is attached to.
type AttachedAssignment struct {
	Attachment hotcell.AttachmentID `json:"attachment"`
	Assignment hotcell.AssignmentID `json:"assignment"`
	Name       string               `json:"name"`
}

// SecretDraft is a secret to be made.
type SecretDraft struct {
	Name      string
	Service   string
	Shared    bool
	Hosts     []string
	Variables []Variable
}

// SecretChange changes what is given and leaves the rest.
type SecretChange struct {
	Name    *string
	Service *string
	// Hosts bind the values anew; an empty list unbinds them.
	Hosts *[]string
	// Replace makes Set all there is afterwards.
	Replace bool
	Set     []Variable
	Rename  map[string]string
	Unset   []string
}

type sealedVariable struct {
	Name   string `json:"name"`
	Sealed []byte `json:"sealed"`
}

// seal seals a secret's values to the workspace's key.
func (c *Client) seal(ctx context.Context, of string, variables []Variable) ([]sealedVariable, error) {
	if len(variables) == 0 {
		return nil, nil
	}
	seal, err := c.sealer(ctx, hotcell.TierSecret, of)
	if err != nil {
		return nil, err
	}
	out := make([]sealedVariable, 0, len(variables))
	for _, v := range variables {
		message, err := seal(v.Name, v.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, sealedVariable{v.Name, message})
	}
	return out, nil
}

// sealer returns what seals the values of one item, field by field, to the
// workspace's key, once that is the one that is known.
func (c *Client) sealer(ctx context.Context, tier hotcell.Tier, of string) (func(field string, value sensitive.Bytes) ([]byte, error), error) {
	s, err := c.sealing(ctx)
	if err != nil {
		return nil, err
	}
	return func(field string, value sensitive.Bytes) ([]byte, error) { return s.seal(tier, of, field, value) }, nil
}

// sealing seals values to one workspace's key.
type sealing struct {
	workspace hotcell.WorkspaceID
	key       parcel.PublicKey
}

// sealing asks for the workspace's key, once that is the one that is known.
func (c *Client) sealing(ctx context.Context) (*sealing, error) {
	w, err := c.Workspace(ctx)
	if err != nil {
		return nil, err
	}
	key, err := c.trusted(ctx, w)
	if err != nil {
		return nil, err
	}
	return &sealing{w.Workspace.ID, key}, nil
}

// trusted is a workspace's key, once it is the one that is known.
func (c *Client) trusted(ctx context.Context, w Workspace) (key parcel.PublicKey, err error) {
	if key, err = parcel.ParsePublic(w.PublicKey); err != nil || c.pin == nil {
		return key, err
	}
	shown, err := c.shown(ctx, w, key)
	if err != nil {
		return key, err
	}
	return key, c.pin.Check(c.name, shown)
}

func (s *sealing) seal(tier hotcell.Tier, of, field string, value sensitive.Bytes) (message []byte, err error) {
	in := parcel.Context{Workspace: string(s.workspace), Tier: string(tier), Item: of, Field: field}
	err = value.Use(func(b []byte) (err error) {
		message, err = parcel.Seal(s.key, in, b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sealing a value: %w", err)
	}
	return message, nil
}

// CreateSecret makes a secret. Its values leave this process sealed.
func (c *Client) CreateSecret(ctx context.Context, d SecretDraft) (out Secret, err error) {
	sealed, err := c.seal(ctx, d.Name, d.Variables)
	if err != nil {
		return out, err
	}
	body := struct {
		Name      string           `json:"name"`
		Service   string           `json:"service,omitempty"`
		Shared    bool             `json:"shared,omitempty"`
		Hosts     []string         `json:"hosts,omitempty"`
		Variables []sealedVariable `json:"variables"`
	}{d.Name, d.Service, d.Shared, d.Hosts, sealed}
	return out, c.json(ctx, http.MethodPost, "/v1/secrets", nil, "", body, &out)
}

// ChangeSecret changes a secret that is at the revision; 0 is any.
func (c *Client) ChangeSecret(ctx context.Context, id hotcell.CredentialID, revision int, change SecretChange) (out Secret, err error) {
	sealed, err := c.seal(ctx, string(id), change.Set)
	if err != nil {
		return out, err
	}
	body := struct {
		Name    *string           `json:"name,omitempty"`
		Service *string           `json:"service,omitempty"`
		Hosts   *[]string         `json:"hosts,omitempty"`
		Replace bool              `json:"replace,omitempty"`
		Set     []sealedVariable  `json:"set,omitempty"`
		Rename  map[string]string `json:"rename,omitempty"`
		Unset   []string          `json:"unset,omitempty"`
	}{change.Name, change.Service, change.Hosts, change.Replace, sealed, change.Rename, change.Unset}
	return out, c.json(ctx, http.MethodPatch, "/v1/secrets/"+url.PathEscape(string(id)), nil, ifMatch(revision), body, &out)
}

func ifMatch(revision int) string {
	if revision == 0 {
		return "*"
	}
	return fmt.Sprintf("%q", fmt.Sprint(revision))
}

// Secrets lists the secrets that the caller may know of; an empty name lists all.
func (c *Client) Secrets(ctx context.Context, name string) ([]hotcell.Credential, error) {
	return all[hotcell.Credential](ctx, c, "/v1/secrets", named(name))
}

func named(name string) url.Values {
	query := url.Values{"limit": {"100"}}
	if name != "" {
		query.Set("name", name)
	}
	return query
}

// Secret shows a secret.
func (c *Client) Secret(ctx context.Context, id hotcell.CredentialID) (out Secret, err error) {
	return out, c.json(ctx, http.MethodGet, "/v1/secrets/"+url.PathEscape(string(id)), nil, "", nil, &out)
}

// ShareSecret shares a secret with the workspace, or takes it back.
func (c *Client) ShareSecret(ctx context.Context, id hotcell.CredentialID, shared bool) (out Secret, err error) {
	verb := "share"
	if !shared {
		verb = "unshare"
	}
	return out, c.json(ctx, http.MethodPost, "/v1/secrets/"+url.PathEscape(string(id))+"/"+verb, nil, "", nil, &out)
}

// DeleteSecret deletes a secret that is at the revision, 0 is any; with its name, it is
// destroyed at once.
func (c *Client) DeleteSecret(ctx context.Context, id hotcell.CredentialID, revision int, destroy ...string) error {
	return c.json(ctx, http.MethodDelete, "/v1/secrets/"+url.PathEscape(string(id)), destroying(destroy), ifMatch(revision), nil, nil)
}

// Known returns the caller's workspace once the server has shown to be the one that was
// pinned; one that was not seen before is pinned.
func (c *Client) Known(ctx context.Context) (Workspace, error) {
	w, err := c.Workspace(ctx)
	if err == nil {
		_, err = c.trusted(ctx, w)
	}
	return w, err
}

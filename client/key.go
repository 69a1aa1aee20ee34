package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"hotcell"
	"hotcell/internal/value/parcel"
)

// Keys says how the workspace's keys stand.
func (c *Client) Keys(ctx context.Context) (out hotcell.KeyReport, err error) {
	return out, c.json(ctx, http.MethodGet, "/v1/keys", nil, "", nil, &out)
}

// RotateKeys begins to make keys anew; [Client.Keys] says how far that is. Compromised
// says that somebody else has the old key pair that values are sealed to.
func (c *Client) RotateKeys(ctx context.Context, what hotcell.KeyKind, compromised bool) error {
	body := struct {
		What        hotcell.KeyKind `json:"what"`
		Compromised bool            `json:"compromised,omitempty"`
	}{what, compromised}
	return c.json(ctx, http.MethodPost, "/v1/keys/rotate", nil, "", body, nil)
}

// DestroyKey takes an old key of the workspace out for good, once nothing is sealed by
// it.
func (c *Client) DestroyKey(ctx context.Context, id string) error {
	return c.json(ctx, http.MethodDelete, "/v1/keys/"+url.PathEscape(id), nil, "", nil, nil)
}

// shown is what a server shows of itself, as far as that holds.
func (c *Client) shown(ctx context.Context, w Workspace, key parcel.PublicKey) (Shown, error) {
	out := Shown{Key: key.Fingerprint()}
	if len(w.Identity) == 0 {
		return out, nil
	}
	a := parcel.Attestation{Identity: w.Identity, Sequence: w.Sequence, Signature: w.Signature}
	if err := a.Check(string(w.Workspace.ID), key); err != nil {
		return out, fmt.Errorf("%w: %w: nothing was sent", hotcell.ErrDenied, err)
	}
	out.Identity, out.Sequence = a.Fingerprint(), a.Sequence
	out.Vouch = func() error { return c.vouch(ctx, key, w.Identity) }
	return out, nil
}

// vouch has the holder of a key say that an identity is its own.
func (c *Client) vouch(ctx context.Context, key parcel.PublicKey, identity []byte) error {
	question, wanted, err := parcel.AskVouch(key, identity)
	if err != nil {
		return err
	}
	var out struct {
		Answer []byte `json:"answer"`
	}
	body := struct {
		Question []byte `json:"question"`
	}{question}
	if err := c.json(ctx, http.MethodPost, "/v1/workspace/vouch", nil, "", body, &out); err != nil {
		return fmt.Errorf("asking the server about its identity: %w", err)
	}
	if !parcel.Vouched(out.Answer, wanted) {
		return fmt.Errorf("%w: the holder of the key that was pinned does not know this identity: nothing was sent", hotcell.ErrDenied)
	}
	return nil
}

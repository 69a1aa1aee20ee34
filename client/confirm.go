package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/sensitive"
)

// Confirm shows a person what they are to confirm, and returns the password by which they
// do. It is cleared once it is sealed.
type Confirm func(context.Context, hotcell.Operation) (sensitive.Bytes, error)

// do makes a call; where the vault wants it confirmed, the person is asked, and the
// same is sent once more. The password is sealed for the sentence that they have seen, so
// that whoever is between cannot show another.
func (c *Client) do(ctx context.Context, k call) (*http.Response, error) {
	answer, err := c.tried(ctx, k)
	problem, ok := errors.AsType[*Error](err)
	if !ok || !errors.Is(err, hotcell.ErrConfirm) || c.confirm == nil {
		return answer, err
	}
	again, seeks := k.body.(io.Seeker)
	if k.body != nil && !seeks {
		return answer, err
	}
	if err := c.sealConfirmation(ctx, problem.Operation); err != nil {
		return nil, err
	}
	if seeks {
		if _, err := again.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("asking the server again: %w", err)
		}
	}
	return c.tried(ctx, k)
}

func (c *Client) sealConfirmation(ctx context.Context, o hotcell.Operation) error {
	password, err := c.confirm(ctx, o)
	if err != nil {
		return err
	}
	defer password.Clear()
	message, err := c.sealProof(ctx, vaultrpc.ConfirmItem(o.ID, o.Text), vaultrpc.FieldConfirm, vaultrpc.Proof{Password: text(password)})
	if err != nil {
		return err
	}
	body := struct {
		Message []byte `json:"message"`
	}{message}
	return c.json(ctx, http.MethodPost, "/v1/operations/"+url.PathEscape(string(o.ID))+"/confirm", nil, "", body, nil)
}

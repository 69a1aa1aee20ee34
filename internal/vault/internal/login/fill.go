package login

import (
	"context"
	"encoding/json"
	"fmt"

	"hotcell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/site"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
)

// Logins lists a job's logins for exactly one site, without any value.
func (s *Service) Logins(ctx context.Context, job hotcell.JobID, r *cellrpc.LoginsRequest) (*vaultrpc.LoginsAnswer, error) {
	at := At(r.Origin)
	uses, other, err := s.Vault.LoginsOf(ctx, job, at)
	if err != nil {
		return nil, err
	}
	out := &vaultrpc.LoginsAnswer{}
	for _, use := range uses {
		out.Logins = append(out.Logins, cellrpc.Login{
			Use: string(use.Attachment), Name: use.Name, Username: use.Login.Username, Password: use.Login.Password, OTP: use.Login.OTP, Digits: use.Login.Digits, Fill: use.Fill,
			Start: use.Login.Start, Known: use.Login.Way.Knows(use.Fill),
		})
	}
	switch {
	case len(uses) > 0:
	case other:
		out.Others = fmt.Sprintf("there is a login for %s, which is not attached to this assignment", site.FormatLogin(at))
	default:
		out.Others = fmt.Sprintf("there is no login for %s", site.FormatLogin(at))
	}
	return out, nil
}

// Fill gives values to the init of the job's browser, sealed to its key, where
// the attachment says so. A code is made now; its secret stays.
func (s *Service) Fill(ctx context.Context, job hotcell.JobID, r *cellrpc.FillRequest) ([]byte, error) {
	key, err := parcel.ParsePublic(r.PublicKey)
	if err != nil {
		return nil, hotcell.Invalid("/public_key", "not an X25519 public key of 32 bytes")
	}
	use, err := s.Vault.CheckLogin(ctx, job, hotcell.AttachmentID(r.Use), At(r.Origin))
	if err != nil {
		return nil, err
	}
	if err := knownForm(use, r); err != nil {
		return nil, err
	}
	if r.Code {
		if err := s.steps.wait(ctx, s, job, use); err != nil {
			return nil, err
		}
	}
	used, err := s.Vault.UseLogin(ctx, job, use.Attachment, door.LoginFill, At(r.Origin),
		fmt.Sprintf("into the form at %s that sends to %s", door.PathText(r.Form), door.PathText(r.Action)))
	if err != nil {
		return nil, err
	}
	defer used.Clear()
	var values cellrpc.LoginValues
	defer func() { sensitive.Wipe(values.Password); sensitive.Wipe(values.Code) }()
	for _, f := range used.Fields {
		if f.Name == hotcell.FieldPassword && r.Password {
			_ = f.Value.Use(func(b []byte) error { values.Password = append([]byte{}, b...); return nil })
		}
	}
	if r.Code {
		code, err := s.Code(used)
		if err != nil {
			return nil, err
		}
		defer code.Clear()
		_ = code.Use(func(b []byte) error { values.Code = append([]byte{}, b...); return nil })
	}
	plain, err := json.Marshal(values) //nolint:gosec // to be sealed, and wiped
	defer sensitive.Wipe(plain)
	if err != nil {
		return nil, fmt.Errorf("writing a login's values: %w", err)
	}
	return parcel.SealInfo(key, vaultrpc.FillInfo(job, use.Attachment), plain)
}

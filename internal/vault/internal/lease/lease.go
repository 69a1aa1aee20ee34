// Package lease makes, in the vault's process, what a job's cell and its gateway
// get when the job starts: the secrets that go into the cell, sealed to its key,
// with stand-ins in the place of values that do not; and the fingerprints of
// every value that the job can touch, for the guard.
//
// It is answered once a job. The plaintext exists here for the time of the
// call. What a cell does with a value that it was given, it cannot know. One
// way to use it:
//
//	out, err := lease.New(door).Open(ctx, job, publicKey)
package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/wire/inject"
	"hotcell/internal/wire/standin"
)

// Service makes leases.
type Service struct{ vault *door.Vault }

// New makes leases behind the door v.
func New(v *door.Vault) *Service { return &Service{v} }

// Open opens the job's credentials. The message is empty where nothing goes
// into the cell.
func (s *Service) Open(ctx context.Context, job hotcell.JobID, publicKey []byte) (*vaultrpc.LeaseAnswer, error) {
	cell, err := parcel.ParsePublic(publicKey)
	if err != nil {
		return nil, hotcell.Invalid("/public_key", "not an X25519 public key of 32 bytes")
	}
	opened, err := s.vault.OpenForJob(ctx, job)
	if err != nil {
		return nil, err
	}
	defer door.ClearOpened(opened)
	out := &vaultrpc.LeaseAnswer{}
	if out.Fingerprints, err = fingerprints(opened); err != nil {
		return nil, fmt.Errorf("fingerprinting a job's values: %w", err)
	}
	plain, err := s.bundle(job, opened)
	defer sensitive.Wipe(plain)
	if err != nil || plain == nil {
		return out, err
	}
	out.Message, err = parcel.SealInfo(cell, vaultrpc.LeaseInfo(job), plain)
	return out, err
}

// Prints are fingerprints anew of all that a live job can touch: some of its
// connections were renewed since its lease. The count is of the same moment or
// an earlier one: whoever is told of a higher one asks again.
func (s *Service) Prints(ctx context.Context, job hotcell.JobID) (*vaultrpc.PrintsAnswer, error) {
	count, err := s.vault.Prints(ctx, job)
	if err != nil {
		return nil, err
	}
	opened, err := s.vault.OpenForGuard(ctx, job)
	if err != nil {
		return nil, err
	}
	defer door.ClearOpened(opened)
	out := &vaultrpc.PrintsAnswer{Prints: count}
	if out.Fingerprints, err = fingerprints(opened); err != nil {
		return nil, fmt.Errorf("fingerprinting a job's values: %w", err)
	}
	return out, nil
}

// fingerprints are of all the values. Of one that cannot be guarded, people
// were told when it was saved.
func fingerprints(opened []door.Opened) ([]byte, error) {
	builder := guard.NewBuilder()
	for _, o := range opened {
		for _, f := range o.Fields {
			label := guard.Label{ID: string(o.Credential.ID), Name: o.Credential.Name}
			err := f.Value.Use(func(b []byte) error {
				for _, value := range secrets(o, b) {
					if err := builder.Add(label, value); err != nil && !errors.Is(err, guard.ErrUnguardable) {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return builder.Fingerprints().MarshalBinary()
}

// secrets are the values to look for within one field: of a connection's key
// that is a pair, the password too.
func secrets(o door.Opened, field []byte) [][]byte {
	if o.Use.HTTP == nil {
		return [][]byte{field}
	}
	return append(inject.Auth(o.Use.HTTP.Auth).Values(field), field)
}

// bundle writes what goes into the cell, as JSON. The caller wipes what it
// returns.
func (s *Service) bundle(job hotcell.JobID, opened []door.Opened) ([]byte, error) {
	var lease []vaultrpc.LeasedSecret
	defer func() {
		for _, l := range lease {
			for _, v := range l.Variables {
				sensitive.Wipe(v.Value)
			}
		}
	}()
	for _, o := range opened {
		if o.Credential.Tier != hotcell.TierSecret {
			continue
		}
		leased := vaultrpc.LeasedSecret{Credential: o.Credential.Name, StandIn: o.Use.As == hotcell.InjectStandIn}
		for _, f := range o.Fields {
			value, err := s.value(job, o.Use, f)
			if err != nil {
				return nil, fmt.Errorf("%w: the variable %s of %q: %w", hotcell.ErrDenied, f.Name, o.Credential.Name, err)
			}
			leased.Variables = append(leased.Variables, vaultrpc.LeasedVariable{Name: f.Name, Value: value, File: file(o.Use, f.Name)})
		}
		lease = append(lease, leased)
	}
	if len(lease) == 0 {
		return nil, nil
	}
	return json.Marshal(lease)
}

// file is where a variable is put as a file; empty where it is not.
func file(use hotcell.Use, variable string) string {
	for _, f := range use.Files {
		if f.Variable == variable {
			return f.Path
		}
	}
	return ""
}

// value is what the cell gets of a field: the value, or what stands in for it.
func (s *Service) value(job hotcell.JobID, use hotcell.Use, f door.Field) (out []byte, err error) {
	err = f.Value.Use(func(b []byte) error {
		if use.As != hotcell.InjectStandIn {
			out = append([]byte(nil), b...)
			return nil
		}
		out, _, err = standin.Make(s.vault.Seed(job, use, f.Name), b)
		return err
	})
	return out, err
}

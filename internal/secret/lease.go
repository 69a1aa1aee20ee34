package secret

import (
	"context"
	"encoding/json"
	"fmt"

	"hotcell"
	"hotcell/internal/parcel"
	"hotcell/internal/sensitive"
	"hotcell/internal/vault"
	"hotcell/internal/vaultrpc"
)

// Lease opens the job's secrets and seals them to the key that its cell made;
// nil where the job has none. It is answered once a job. The plaintext exists
// here for the time of the call.
func (s *Service) Lease(ctx context.Context, job hotcell.JobID, publicKey []byte) ([]byte, error) {
	cell, err := parcel.ParsePublic(publicKey)
	if err != nil {
		return nil, hotcell.Invalid("/public_key", "not an X25519 public key of 32 bytes")
	}
	opened, err := s.vault.OpenForJob(ctx, job, hotcell.TierSecret)
	if err != nil {
		return nil, err
	}
	defer vault.ClearOpened(opened)
	if len(opened) == 0 {
		return nil, nil
	}
	plain, err := marshalLease(opened)
	defer sensitive.Wipe(plain)
	if err != nil {
		return nil, fmt.Errorf("writing the lease: %w", err)
	}
	return parcel.SealInfo(cell, vaultrpc.LeaseInfo(job), plain)
}

// marshalLease writes the lease's JSON. The caller wipes what it returns.
func marshalLease(opened []vault.Opened) ([]byte, error) {
	var lease []vaultrpc.LeasedSecret
	defer func() {
		for _, l := range lease {
			for _, v := range l.Variables {
				sensitive.Wipe(v.Value)
			}
		}
	}()
	for _, o := range opened {
		leased := vaultrpc.LeasedSecret{Credential: o.Credential.Name}
		for _, f := range o.Fields {
			_ = f.Value.Use(func(b []byte) error {
				leased.Variables = append(leased.Variables, vaultrpc.LeasedVariable{Name: f.Name, Value: append([]byte(nil), b...)})
				return nil
			})
		}
		lease = append(lease, leased)
	}
	return json.Marshal(lease)
}

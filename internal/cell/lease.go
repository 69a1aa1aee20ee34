package cell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"hotcell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/sensitive"
)

// variable is one of the job's secrets, open.
type variable struct {
	credential, name string
	// file is where it is put; empty for the environment.
	file  string
	value sensitive.Bytes
	// standIn is true where the value is worth nothing elsewhere.
	standIn bool
}

// lease asks for the job's secrets, once, sealed to a key that lives only here.
// They stay sealed until [initial.open].
func (i *initial) lease(ctx context.Context) error {
	pair, err := parcel.Generate()
	if err != nil {
		return err
	}
	var answer cellrpc.LeaseAnswer
	request := cellrpc.LeaseRequest{PublicKey: pair.Public().Bytes()}
	if err := i.gateway.post(ctx, cellrpc.PathLease, request, &answer); err != nil {
		return fmt.Errorf("asking for the job's secrets: %w", err)
	}
	i.sealed = &sealedLease{pair, answer.Message}
	return nil
}

// sealedLease is a lease with the key that opens it.
type sealedLease struct {
	key     parcel.PrivateKey
	message []byte
}

// open opens the lease, and has the guard know its values.
func (i *initial) open() error {
	builder := guard.NewBuilder().WithParts()
	defer func() {
		i.guard.Store(builder.Build())
		i.sealed = nil
	}()
	if len(i.sealed.message) == 0 {
		return nil
	}
	plain, err := i.sealed.key.OpenInfo(vaultrpc.LeaseInfo(hotcell.JobID(i.spec.Job)), i.sealed.message)
	if err != nil {
		return errors.New("opening the job's secrets: they were not sealed for this job and cell")
	}
	defer plain.Clear()
	if err := plain.Use(i.take); err != nil {
		return errors.New("opening the job's secrets: they are damaged")
	}
	for _, v := range i.secrets {
		if v.standIn {
			continue
		}
		// Of a value that cannot be guarded, people were told when it was saved.
		_ = v.value.Use(func(b []byte) error { return builder.Add(guard.Label{ID: v.credential, Name: v.credential}, b) })
	}
	return nil
}

// take reads what a lease opens to.
func (i *initial) take(plain []byte) error {
	var lease []vaultrpc.LeasedSecret
	if err := json.Unmarshal(plain, &lease); err != nil {
		return err
	}
	for _, secret := range lease {
		for _, v := range secret.Variables {
			i.secrets = append(i.secrets, variable{secret.Credential, v.Name, v.File, sensitive.New(v.Value), secret.StandIn})
		}
	}
	return nil
}

// forget clears the values.
func (i *initial) forget() {
	for _, v := range i.secrets {
		v.value.Clear()
	}
}

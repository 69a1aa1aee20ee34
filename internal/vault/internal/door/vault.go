// Package door is the one door to plaintext: it authorises, records and opens.
//
// Whoever comes in says who they are; the vault looks up what they may in its
// own store, and has decided and recorded before anything is opened or
// changed: [Vault.Change] and [Vault.Look] are the only ways to the store, and
// [Vault.OpenForJob] is the only way to a value. What cannot be recorded does
// not happen. It does not know what a value means to its tier, and it does not
// guard a value once it has handed it over. One way to use it:
//
//	err := v.Change(ctx, principal, hotcell.Event{Kind: "secret.delete"}, func(a *door.Act) error {
//		… a.Permit(access.DeleteCredential, access.OfCredential(c)) …
//	})
package door

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hotcell"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/tidy"
	"hotcell/internal/vault/internal/envelope"
	"hotcell/internal/vault/internal/warm"
	"hotcell/internal/wire/budget"
	"hotcell/internal/wire/egress"
)

// Config is what a vault needs.
type Config struct {
	Store hotcell.VaultStore
	// Key wraps the workspaces' keysets: the KMS.
	Key envelope.Wrapper
	// KeyName names that key, and Warm is for how long the keys that it unwrapped serve
	// after it last answered, where it is a service that may not: 0 is for ever.
	KeyName string
	Warm    time.Duration
	// Asked says that the service was asked in vain a moment ago, which is in the log.
	Asked bool
	// Rotate is how old keys may become before they are made anew; 0 for any age. Pace is
	// the pause after a step of a rotation that failed; 0 is a second.
	Rotate time.Duration
	Pace   time.Duration
	// Owner names the first member of the first workspace, made at first start.
	Owner string
	// Models are the operator's word on model hosts: no credential is opened for one
	// that is not declared.
	Models egress.Models
	// Budget counts what each job holds; nil for no limits.
	Budget *budget.Jobs
	// Tidy is told when a value is opened, or comes in; nil for nobody.
	Tidy *tidy.Tidy
	Now  func() time.Time
	// After waits; nil for the machine's clock.
	After func(time.Duration) <-chan time.Time
	Log   *slog.Logger
}

// Vault is the door. Its methods may be called at once from anywhere.
type Vault struct {
	store    *counted
	now      func() time.Time
	opened   time.Time
	log      *slog.Logger
	known    known
	holdings holdings
	models   egress.Models
	outcomes *outcomes
	budget   *budget.Jobs
	tidy     *tidy.Tidy
	waiting  waiting
	floods   floods
	kms      atomic.Pointer[wrapping]
	inVain   bool
	backing  sync.Mutex // held while a backup is made
	rotator  *rotator
	// rotateAge is how old keys may become; 0 for any age.
	rotateAge time.Duration

	// One workspace so far: its keyset and the key pair that values are sealed to.
	workspace hotcell.WorkspaceID
	owner     hotcell.MemberID
	keys      *warm.Holder[ring]
	face      atomic.Pointer[face]
	// seeds are what stand-ins are made from.
	seeds atomic.Pointer[seeds]
	// used is when keys were last used, since the vault was opened.
	used used

	mu       sync.Mutex
	watchers map[chan Revocation]struct{}
}

// The labels of the vault's own blobs.
const (
	blobKeyset = "keyset"
	blobPair   = "sealing key pair"
	blobSeed   = "stand-in seed"
	blobSeeds  = "stand-in seeds"
	blobLedger = "keys"
)

// Open opens the vault over its store; a store without a workspace gets one,
// with its keys and its first member. It fails where the KMS does not unwrap
// the keys: nothing could be opened.
func Open(ctx context.Context, c Config) (*Vault, error) {
	v := &Vault{now: c.Now, rotateAge: c.Rotate, inVain: c.Asked, opened: c.Now(), log: c.Log, models: c.Models, budget: c.Budget, tidy: c.Tidy, watchers: map[chan Revocation]struct{}{}}
	v.kms.Store(&wrapping{c.Key, c.KeyName, c.Warm})
	v.store = &counted{VaultStore: c.Store, stored: v.waiting.wake}
	var spaces []hotcell.Workspace
	err := v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
		spaces, err = r.Workspaces()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading workspaces: %w", err)
	}
	var opened ring
	if len(spaces) == 0 {
		opened, err = v.found(ctx, c)
	} else {
		opened, err = v.load(ctx, c, spaces[0].ID)
	}
	if err != nil {
		return v, err
	}
	v.face.Store(&face{public: opened.pair.Public()})
	v.hold(c, opened)
	if err := v.loadSeeds(ctx, opened.keys); err != nil {
		return v, err
	}
	if err := v.loadAttestation(ctx, opened, len(spaces) == 0); err != nil {
		return v, err
	}
	v.outcomes = startOutcomes(v.store, v.log)
	v.rotator = startRotator(v, c.Rotate, c.Pace)
	return v, nil
}

// found makes the first workspace.
func (v *Vault) found(ctx context.Context, c Config) (made ring, err error) {
	now := v.now()
	space := hotcell.Workspace{ID: hotcell.WorkspaceID(hotcell.NewID(hotcell.PrefixWorkspace)), Name: "Workspace", CreatedAt: now}
	owner := hotcell.Member{
		ID: hotcell.MemberID(hotcell.NewID(hotcell.PrefixMember)), Workspace: space.ID,
		Name: c.Owner, Role: hotcell.RoleOwner, CreatedAt: now,
	}
	wrapped, keys, err := envelope.NewKeyset(ctx, c.Key, string(space.ID))
	if err != nil {
		return made, fmt.Errorf("making the workspace's keys: %w", err)
	}
	pair, err := parcel.Generate()
	if err != nil {
		return made, fmt.Errorf("making the sealing key pair: %w", err)
	}
	var sealed []byte
	private := pair.Bytes()
	defer private.Clear()
	if err := private.Use(func(b []byte) (err error) {
		sealed, err = keys.SealBlob(blobPair, b)
		return err
	}); err != nil {
		return made, fmt.Errorf("sealing the key pair: %w", err)
	}
	v.workspace, v.owner = space.ID, owner.ID
	return ring{keys: keys, pair: pair}, v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		return errors.Join(
			w.PutWorkspace(space), w.PutMember(owner),
			w.PutBlob(space.ID, blobKeyset, wrapped), w.PutBlob(space.ID, blobPair, sealed),
			w.Record(hotcell.Event{Workspace: space.ID, At: now, Kind: "workspace.create", Decision: hotcell.Allowed, Member: owner.ID, Name: space.Name}),
		)
	})
}

// load unwraps an existing workspace's keys.
func (v *Vault) load(ctx context.Context, c Config, id hotcell.WorkspaceID) (ring, error) {
	err := v.store.View(ctx, func(r hotcell.VaultReader) error {
		members, err := r.Members(id)
		if err != nil {
			return err
		}
		for _, m := range members {
			if m.Role == hotcell.RoleOwner && v.owner == "" {
				v.owner = m.ID // the first, as at first start: ids are in order of time
			}
		}
		return nil
	})
	if err != nil {
		return ring{}, fmt.Errorf("reading members: %w", err)
	}
	v.workspace = id
	if c.Warm == 0 {
		return v.unwrap(ctx)
	}
	return v.unwrapService(ctx)
}

// Local is the principal of whoever owns the data folder.
func (v *Vault) Local() hotcell.Principal {
	return hotcell.Principal{Workspace: v.workspace, Member: v.owner, Via: "local"}
}

// PublicKey is the key that values for the workspace are sealed to.
func (v *Vault) PublicKey(ws hotcell.WorkspaceID) (parcel.PublicKey, error) {
	if ws != v.workspace {
		return parcel.PublicKey{}, hotcell.ErrNotFound
	}
	return v.face.Load().public, nil
}

// blobProbe is what is written to see that something can be.
const blobProbe = "probe"

// Probe writes something small, durably, and reads it back: a sign that a use could be
// looked up and recorded now. What was read of the store stays known by it.
func (v *Vault) Probe(ctx context.Context) error {
	at, err := v.now().MarshalBinary()
	if err != nil {
		return err
	}
	err = v.store.VaultStore.Update(ctx, func(w hotcell.VaultWriter) error { return w.PutBlob(v.workspace, blobProbe, at) })
	if err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	err = v.store.VaultStore.View(ctx, func(r hotcell.VaultReader) error {
		_, err := r.Blob(v.workspace, blobProbe)
		return err
	})
	if err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	return nil
}

// Close forgets the keys and closes the store.
func (v *Vault) Close() error {
	if v.rotator != nil {
		v.rotator.close()
	}
	if v.outcomes != nil {
		v.outcomes.close()
	}
	v.settleAll()
	if s := v.seeds.Load(); s != nil {
		for _, one := range *s {
			one.value.Clear()
		}
	}
	if v.keys != nil {
		v.keys.Close()
	}
	return v.store.Close()
}

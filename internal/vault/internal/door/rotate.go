package door

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/policy/access"
	"hotcell/internal/vault/internal/envelope"
)

// The steps of rotations.
const (
	stepKey   = "key"   // the keyset gets a key that seals from now on
	stepData  = "data"  // each version of each credential gets a fresh data key
	stepWrap  = "wrap"  // what older keys sealed is sealed anew
	stepHPKE  = "hpke"  // a fresh key pair to seal values to, signed by the identity
	stepSeeds = "seeds" // a fresh seed for what is made from now on
	stepDone  = "done"
	// stepIdentity is none of an ordinary rotation: each person is asked for it.
	stepIdentity = "identity"
)

// stepsOf are the steps of each kind of rotation. The KMS's own key is rotated where it
// is; what it then wraps anew is the keyset.
var stepsOf = map[hotcell.KeyKind][]string{
	hotcell.KeyKMS:       {stepKey, stepWrap},
	hotcell.KeyWorkspace: {stepKey, stepWrap},
	hotcell.KeyData:      {stepData},
	hotcell.KeySeeds:     {stepSeeds},
	hotcell.KeyHPKE:      {stepHPKE},
	hotcell.KeyIdentity:  {stepIdentity},
	hotcell.KeyAll:       {stepKey, stepData, stepWrap, stepHPKE, stepSeeds},
}

// Rotate begins to make keys anew, in the background: [Vault.KeyReport] says how far it
// is. It goes on where it was after whatever ends the process. It is
// [hotcell.ErrConflict] while another one is under way. Compromised says that somebody
// else has the old key pair: what was sealed to it is refused from then on.
func (v *Vault) Rotate(ctx context.Context, p hotcell.Principal, what hotcell.KeyKind, compromised bool) error {
	steps := stepsOf[what]
	if steps == nil {
		return hotcell.Invalid("/what", "kms, workspace, data, hpke, seeds, identity or all; an authority for TLS is made by each job's gateway, and goes with it")
	}
	action, about := access.RotateKeys, hotcell.Event{Kind: "key.rotate", Name: string(what)}
	if what == hotcell.KeyIdentity {
		action = access.ReplaceKeys
	}
	if compromised {
		about.Reason = "the old key is known to somebody else"
	}
	err := v.Change(ctx, p, about, func(a *Act) error {
		if err := a.Permit(action, access.Resource{}); err != nil {
			return err
		}
		return v.beginRotation(a.VaultWriter, hotcell.Rotation{What: what, By: p.Member, Compromised: compromised}, steps)
	})
	if err == nil {
		v.rotator.wake()
	}
	return err
}

func (v *Vault) beginRotation(w hotcell.VaultWriter, begun hotcell.Rotation, steps []string) error {
	if v.store.Shared() {
		return fmt.Errorf("%w: several vaults share this store, and each would have to know the new key first: stop all but one", hotcell.ErrConflict)
	}
	held, err := v.keys.Get()
	if err != nil {
		return err
	}
	counts, err := w.SealedKeyPrefixes(v.workspace)
	if err != nil {
		return err
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	return v.amend(w, held.keys, func(l *ledger) error {
		if l.Rotation != nil {
			return fmt.Errorf("%w: a rotation of %s is under way, with %d of %d things done", hotcell.ErrConflict, l.Rotation.What, l.Rotation.Done, l.Rotation.Total)
		}
		begun.Step, begun.Total, begun.StartedAt = steps[0], total, v.now()
		l.Rotation = &begun
		l.Steps, l.After = steps, hotcell.SealedKey{}
		return nil
	})
}

// rotator does what is under way, one step after the other, in the background.
type rotator struct {
	v      *Vault
	age    time.Duration
	pace   time.Duration
	kick   chan struct{}
	cancel context.CancelFunc
	ended  chan struct{}
	// problem is what the last step ended with.
	problem errorBox
}

// pauses between steps that fail, and between looks at how old keys are.
const (
	rotateFirst = time.Second
	rotateLast  = time.Minute
	ageEvery    = time.Hour
)

// startRotator goes on with what a process before was at.
func startRotator(v *Vault, age, pace time.Duration) *rotator {
	if pace == 0 {
		pace = rotateFirst
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &rotator{v: v, age: age, pace: pace, kick: make(chan struct{}, 1), cancel: cancel, ended: make(chan struct{})}
	border.Go("rotating keys", border.Log(v.log), func() {
		defer close(r.ended)
		r.run(ctx)
	})
	return r
}

func (r *rotator) wake() {
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

func (r *rotator) close() {
	r.cancel()
	<-r.ended
}

func (r *rotator) run(ctx context.Context) {
	pause := r.pace
	for ctx.Err() == nil {
		wait := ageEvery
		more, err := r.step(ctx)
		r.problem.set(err)
		switch {
		case err != nil:
			wait, pause = pause, min(2*pause, rotateLast)
			r.v.log.Warn("a rotation of keys does not go on, and is tried again", "reason", err, "pause", wait)
		case more:
			pause = r.pace
			continue
		default:
			pause = r.pace
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-r.kick:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// step does one small step of what is under way, and says whether there is more.
func (r *rotator) step(ctx context.Context) (more bool, err error) {
	v := r.v
	held, err := v.keys.Get()
	if err != nil {
		return false, err
	}
	var l ledger
	if err := v.store.View(ctx, func(s hotcell.VaultReader) (err error) { l, err = v.readLedger(s, held.keys); return err }); err != nil {
		return false, err
	}
	if l.Rotation == nil {
		return r.aged(ctx, l)
	}
	switch l.Rotation.Step {
	case stepKey:
		err = v.addKey(ctx)
	case stepWrap:
		err = v.wrapStep(ctx, l)
	case stepData:
		err = v.dataStep(ctx, l)
	case stepHPKE:
		err = v.pairStep(ctx, l.Rotation.Compromised)
	case stepIdentity:
		err = v.identityStep(ctx)
	case stepSeeds:
		err = v.seedStep(ctx)
	default:
		err = fmt.Errorf("%w: a rotation is at a step that this version does not know", hotcell.ErrTampered)
	}
	return err == nil, err
}

// aged begins a rotation where the configuration wants keys to be younger.
func (r *rotator) aged(ctx context.Context, l ledger) (bool, error) {
	v := r.v
	if r.age <= 0 || v.store.Shared() {
		return false, nil
	}
	report, err := v.report(ctx, l)
	if err != nil || !slices.ContainsFunc(report.Keys, func(k hotcell.Key) bool {
		return k.Due && k.State == hotcell.KeyInUse && k.Kind == hotcell.KeyWorkspace
	}) {
		return false, err
	}
	err = v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		return errors.Join(v.beginRotation(w, hotcell.Rotation{What: hotcell.KeyAll}, stepsOf[hotcell.KeyAll]), w.Record(hotcell.Event{
			Workspace: v.workspace, At: v.now(), Kind: "key.rotate", Decision: hotcell.Allowed, Via: "vault", Name: string(hotcell.KeyAll), Reason: "the workspace's key is older than keys.rotate_days",
		}))
	})
	return err == nil, err
}

// advance goes to the next step within an update; the last one is told of in the log.
func (v *Vault) advance(w hotcell.VaultWriter, l *ledger) error {
	at := slices.Index(l.Steps, l.Rotation.Step) + 1
	l.After = hotcell.SealedKey{}
	if at < len(l.Steps) {
		l.Rotation.Step = l.Steps[at]
		return nil
	}
	now := v.now()
	l.Rotation.Step, l.Rotation.EndedAt = stepDone, &now
	l.Last, l.Rotation, l.Steps = l.Rotation, nil, nil
	about := hotcell.Event{
		Workspace: v.workspace, At: now, Kind: "key.rotated", Decision: hotcell.Allowed, Via: "vault", Member: l.Last.By, Name: string(l.Last.What), Size: int64(l.Last.Done),
	}
	if n := len(l.Last.Broken); n > 0 {
		about.Reason = fmt.Sprintf("%d things do not open, and stay as they are", n)
	}
	return w.Record(about)
}

// addKey gives the keyset a key that seals from now on. The keyset is wrapped by the KMS
// as it is now, and stored with the step that is next: a process that dies before that has
// done nothing, and one that dies after it has done it once.
func (v *Vault) addKey(ctx context.Context) error {
	if err := v.recordUnwrap(ctx); err != nil {
		return err
	}
	return v.keys.Alone(func(held ring) (ring, error) {
		err := held.keys.Rotate(ctx, v.kms.Load(), func(wrapped []byte) error {
			return v.store.Update(ctx, func(w hotcell.VaultWriter) error {
				return errors.Join(w.PutBlob(v.workspace, blobKeyset, wrapped), v.amend(w, held.keys, func(l *ledger) error {
					if l.Rotation == nil || l.Rotation.Step != stepKey {
						return fmt.Errorf("%w: this rotation has gone on already", hotcell.ErrConflict)
					}
					return v.advance(w, l)
				}))
			})
		})
		if err != nil {
			return held, notWrapped(err)
		}
		ids, err := held.keys.Keys()
		if err != nil {
			return held, err
		}
		return held, v.store.Update(ctx, func(w hotcell.VaultWriter) error {
			return v.amend(w, held.keys, func(l *ledger) error { l.make(hotcell.KeyWorkspace, ids[0].String(), v.now()); return nil })
		})
	})
}

// notWrapped is an error of a change of the keyset: where the KMS did not do its part,
// nothing has changed, and it may be tried again.
func notWrapped(err error) error {
	if s, ok := errors.AsType[sentence](err); ok {
		return fmt.Errorf("%w: nothing was changed: %w", hotcell.ErrUnavailable, s)
	}
	return err
}

func (v *Vault) seedStep(ctx context.Context) error {
	return v.keys.Alone(func(held ring) (ring, error) {
		var next *seeds
		err := v.store.Update(ctx, func(w hotcell.VaultWriter) (err error) {
			if next, err = v.rotateSeeds(w, held.keys); err != nil {
				return err
			}
			return v.amend(w, held.keys, func(l *ledger) error {
				delete(l.Made, made(hotcell.KeySeeds, ""))
				l.make(hotcell.KeySeeds, "", v.now())
				return v.advance(w, l)
			})
		})
		if err == nil {
			v.seeds.Store(next)
		}
		return held, err
	})
}

// Destroy takes an old key of the workspace out for good, once nothing is sealed by it.
// Backups need none of these keys: each has the keyset of its time in it, sealed by the
// KMS key that `hotcell keys list` names it beside.
func (v *Vault) Destroy(ctx context.Context, p hotcell.Principal, id string) error {
	about := hotcell.Event{Kind: "key.destroy", Name: id}
	if err := v.Look(ctx, p, about, func(l *Look) error { return l.Permit(access.ReplaceKeys, access.Resource{}) }); err != nil {
		return err
	}
	key, ok := envelope.ParseKeyID(id)
	if !ok {
		return hotcell.Invalid("/id", "the id of an old key of the workspace, as hotcell keys list has it")
	}
	// A copy of the store may have rows of before, and takes the keyset at its end.
	if !v.backing.TryLock() {
		return fmt.Errorf("%w: a backup is being made", hotcell.ErrConflict)
	}
	defer v.backing.Unlock()
	if err := v.recordUnwrap(ctx); err != nil {
		return err
	}
	return v.keys.Alone(func(held ring) (ring, error) {
		ids, err := held.keys.Keys()
		if err != nil {
			return held, err
		}
		switch at := slices.Index(ids, key); {
		case at < 0:
			return held, fmt.Errorf("%w: the workspace has no key %s", hotcell.ErrNotFound, id)
		case at == 0:
			return held, fmt.Errorf("%w: the key %s seals what is stored now: rotate first", hotcell.ErrConflict, id)
		}
		err = held.keys.Drop(ctx, v.kms.Load(), []envelope.KeyID{key}, func(wrapped []byte) error {
			return v.Change(ctx, p, about, func(a *Act) error {
				if err := a.Permit(access.ReplaceKeys, access.Resource{}); err != nil {
					return err
				}
				if err := v.needless(a, held.keys, key); err != nil {
					return err
				}
				return a.PutBlob(v.workspace, blobKeyset, wrapped)
			})
		})
		return held, notWrapped(err)
	})
}

// needless says whether nothing needs a key of the workspace any more.
func (v *Vault) needless(w hotcell.VaultWriter, keys *envelope.Keyset, key envelope.KeyID) error {
	counts, err := v.sealedBy(w)
	if err != nil {
		return err
	}
	if n := counts[key]; n > 0 {
		return fmt.Errorf("%w: %d things are sealed by the key %s: rotate first", hotcell.ErrConflict, n, key)
	}
	return v.amend(w, keys, func(l *ledger) error {
		if l.Rotation != nil {
			return fmt.Errorf("%w: a rotation of %s is under way", hotcell.ErrConflict, l.Rotation.What)
		}
		delete(l.Made, made(hotcell.KeyWorkspace, key.String()))
		return nil
	})
}

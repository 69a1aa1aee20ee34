package door

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"hotcell"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/envelope"
)

// seeds are what is derived for jobs and links comes from, the oldest first. What was
// made before a rotation keeps its seed: its stand-ins are with a cell already, and its
// links with people.
type seeds []seed

// seed is for what was made after a moment.
type seed struct {
	// After is that moment, as identifiers begin with it; empty for the first one.
	After string `json:"after"`
	Seed  []byte `json:"seed"`

	value sensitive.Bytes
}

// momentDigits are the digits of an identifier that are its time, to the millisecond.
const momentDigits = 10

// moment is when an identifier was made, as its digits have it; what comes behind it
// does not count. A text that is none is of the beginning.
func moment(id string) string {
	const prefix = 4
	if len(id) < prefix+momentDigits || id[prefix-1] != '_' {
		return ""
	}
	return id[prefix : prefix+momentDigits]
}

// of is the seed of what has an identifier.
func (s seeds) of(id string) sensitive.Bytes {
	at := moment(id)
	for i := len(s) - 1; i > 0; i-- {
		if at > s[i].After {
			return s[i].value
		}
	}
	return s[0].value
}

// loadSeeds opens the seeds; a workspace without one gets one.
func (v *Vault) loadSeeds(ctx context.Context, keys *envelope.Keyset) error {
	var first, further []byte
	err := v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
		if first, err = r.Blob(v.workspace, blobSeed); err != nil {
			return err
		}
		further, err = r.Blob(v.workspace, blobSeeds)
		return err
	})
	switch {
	case errors.Is(err, hotcell.ErrNotFound) && first == nil:
		first, err = v.firstSeed(ctx, keys)
	case errors.Is(err, hotcell.ErrNotFound):
		err = nil
	}
	if err != nil {
		return fmt.Errorf("reading the seed of stand-ins: %w", err)
	}
	opened := seeds{{}}
	if opened[0].value, err = keys.OpenBlob(blobSeed, first); err != nil {
		return fmt.Errorf("opening the seed of stand-ins: %w", err)
	}
	if further != nil {
		later, err := openSeeds(keys, further)
		if err != nil {
			return err
		}
		opened = append(opened, later...)
	}
	v.seeds.Store(&opened)
	return nil
}

func (v *Vault) firstSeed(ctx context.Context, keys *envelope.Keyset) ([]byte, error) {
	fresh := make([]byte, sha256.Size)
	_, _ = rand.Read(fresh) // never fails
	blob, err := keys.SealBlob(blobSeed, fresh)
	if err != nil {
		return nil, fmt.Errorf("sealing the seed of stand-ins: %w", err)
	}
	return blob, v.store.Update(ctx, func(w hotcell.VaultWriter) error { return w.PutBlob(v.workspace, blobSeed, blob) })
}

// openSeeds opens the seeds behind the first one.
func openSeeds(keys *envelope.Keyset, blob []byte) (out seeds, err error) {
	plain, err := keys.OpenBlob(blobSeeds, blob)
	if err != nil {
		return nil, fmt.Errorf("opening the seeds of stand-ins: %w", err)
	}
	defer plain.Clear()
	err = plain.Use(func(b []byte) error { return json.Unmarshal(b, &out) })
	for i := range out {
		out[i].value, out[i].Seed = sensitive.New(out[i].Seed), nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the seeds of stand-ins are not what was stored", hotcell.ErrTampered)
	}
	return out, nil
}

// rotateSeeds makes a seed for what is made from now on. An old one goes as soon as no
// job lives and no link is good that was made under it.
func (v *Vault) rotateSeeds(w hotcell.VaultWriter, keys *envelope.Keyset) (*seeds, error) {
	next := append(seeds{}, *v.seeds.Load()...)
	fresh := make([]byte, sha256.Size)
	_, _ = rand.Read(fresh) // never fails
	next = append(next, seed{After: moment(hotcell.NewID(hotcell.PrefixJob)), value: sensitive.New(fresh)})
	alive, err := v.oldestAlive(w)
	if err != nil {
		return nil, err
	}
	// What the first is for ends where the second begins, and so on.
	for len(next) > 1 && next[1].After < alive {
		next = next[1:]
	}
	next[0].After = ""
	stored := append(seeds{}, next...)
	for i := range stored {
		_ = stored[i].value.Use(func(b []byte) error { stored[i].Seed = append([]byte(nil), b...); return nil })
		defer sensitive.Wipe(stored[i].Seed)
	}
	first, err := keys.SealBlob(blobSeed, stored[0].Seed)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(stored[1:])
	if err != nil {
		return nil, err
	}
	defer sensitive.Wipe(text)
	further, err := keys.SealBlob(blobSeeds, text)
	if err != nil {
		return nil, err
	}
	return &next, errors.Join(w.PutBlob(v.workspace, blobSeed, first), w.PutBlob(v.workspace, blobSeeds, further))
}

// linksLive is for how long what people have in their hands may be good: links, and
// requests that wait. Their seeds are kept for so long.
const linksLive = 24 * 60 * 60 * 1000 // in milliseconds

// oldestAlive is the moment of the oldest thing whose seed may still be needed.
func (v *Vault) oldestAlive(r hotcell.VaultReader) (string, error) {
	alive := before(moment(hotcell.NewID(hotcell.PrefixJob)), linksLive)
	grants, err := r.Grants(v.workspace, "")
	for _, g := range grants {
		alive = min(alive, moment(string(g.Job)))
	}
	return alive, err
}

// before is a moment so many milliseconds earlier.
func before(at string, ms int64) string {
	const digits = "0123456789abcdefghjkmnpqrstvwxyz"
	n := int64(0)
	for _, c := range []byte(at) {
		for i := range len(digits) {
			if digits[i] == c {
				n = n<<5 | int64(i)
			}
		}
	}
	n -= ms
	out := make([]byte, momentDigits)
	for i := momentDigits - 1; i >= 0; i-- {
		out[i] = digits[n&31]
		n >>= 5
	}
	return string(out)
}

// Seed is what the stand-in of one field is made from, in one job: another job
// gets another, and after a restart of the vault it is the same.
func (v *Vault) Seed(job hotcell.JobID, use hotcell.Use, field string) []byte {
	var out []byte
	_ = v.seeds.Load().of(string(job)).Use(func(b []byte) error {
		mac := hmac.New(sha256.New, b)
		_, _ = fmt.Fprintf(mac, "hotcell stand-in v1|%q|%q|%d|%q", job, use.Credential, use.Version, field)
		out = mac.Sum(nil)
		return nil
	})
	return out
}

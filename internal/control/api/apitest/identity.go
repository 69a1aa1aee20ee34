package apitest

import "hotcell/internal/value/parcel"

// Identify has an identity sign the world's key as the sequence's one: of the same seed it
// is the same identity. Until then the world has none, as servers of old.
func (w *World) Identify(seed []byte, sequence uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := parcel.Attest(seed, string(w.workspace.ID), sequence, w.Key.Public())
	w.attested = a
	return err
}

// Renew gives the world another key that values are sealed to; no identity has signed it.
func (w *World) Renew() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	key, err := parcel.Generate()
	w.Key = key
	return err
}

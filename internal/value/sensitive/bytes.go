// Package sensitive guards plaintext in memory: byte strings that cannot be
// printed, logged, marshalled or compared by accident.
//
// It does not protect against code that copies the slice which [Bytes.Use]
// lends, nor against a reader of the process's memory. One way to use it:
//
//	v := sensitive.New(raw)
//	defer v.Clear()
//	err := v.Use(func(b []byte) error { return seal(b) })
package sensitive

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"sync"
)

// Redacted is what every printed form of a value says instead of the value.
const Redacted = "[redacted]"

// Bytes holds one value. Copies of a Bytes share the same memory, so clearing
// one clears all. The zero Bytes is empty and ready to use.
type Bytes struct{ cell *cell }

type cell struct {
	mu sync.Mutex
	b  []byte
}

// New takes ownership of b: the caller must not read or write it any more.
func New(b []byte) Bytes { return Bytes{&cell{b: b}} }

// Copy holds a copy of b, which stays the caller's to clear.
func Copy(b []byte) Bytes { return New(bytes.Clone(b)) }

// Use lends the value to fn, which must neither keep nor change the slice.
// It returns fn's error. After Clear the slice is empty.
func (s Bytes) Use(fn func([]byte) error) error {
	if s.cell == nil {
		return fn(nil)
	}
	s.cell.mu.Lock()
	defer s.cell.mu.Unlock()
	return fn(s.cell.b)
}

// Len is the value's length in bytes.
func (s Bytes) Len() int {
	if s.cell == nil {
		return 0
	}
	s.cell.mu.Lock()
	defer s.cell.mu.Unlock()
	return len(s.cell.b)
}

// Clear overwrites the value with zeros and forgets it.
func (s Bytes) Clear() {
	if s.cell == nil {
		return
	}
	s.cell.mu.Lock()
	defer s.cell.mu.Unlock()
	Wipe(s.cell.b)
	s.cell.b = nil
}

// Equal compares in constant time for equal lengths.
func (s Bytes) Equal(b []byte) bool {
	equal := false
	_ = s.Use(func(own []byte) error {
		equal = subtle.ConstantTimeCompare(own, b) == 1
		return nil
	})
	return equal
}

// Wipe overwrites b with zeros.
func Wipe(b []byte) { clear(b) }

// String is always [Redacted].
func (Bytes) String() string { return Redacted }

// GoString is always [Redacted].
func (Bytes) GoString() string { return Redacted }

// Format prints [Redacted] for every verb and flag.
func (Bytes) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Redacted)) }

// LogValue is always [Redacted].
func (Bytes) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText is always [Redacted]; it serves encoding/json too.
func (Bytes) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalBinary is always [Redacted]; it serves encoding/gob too.
func (Bytes) MarshalBinary() ([]byte, error) { return []byte(Redacted), nil }

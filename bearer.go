package hotcell

import (
	"fmt"
	"log/slog"
)

// Bearer is what a request proves itself by: something that the vault gave to whoever
// asks, and that it alone can judge. It is a value: no printed form shows it.
type Bearer string

const redacted = "[redacted]"

// String is always redacted.
func (Bearer) String() string { return redacted }

// GoString is always redacted.
func (Bearer) GoString() string { return redacted }

// Format prints nothing of it, for every verb and flag.
func (Bearer) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue is always redacted.
func (Bearer) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is always redacted; it serves encoding/json too.
func (Bearer) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Package audit is the arithmetic of the audit log: how an event becomes
// bytes, how it is chained to the one before it, and how a reader finds the
// first event that does not fit.
//
// It guards against a log that was changed after it was written: an event
// altered, taken out, put in, moved, or cut off the end of a log whose head is
// known. It does not guard against somebody who may write the whole store and
// computes every hash anew: that takes a head kept elsewhere. It does no I/O
// but what [Export] and [Read] are handed, and knows no store.
//
//	v := audit.NewVerifier(workspace)
//	for _, e := range events { // oldest first
//		if err := v.Next(e); err != nil {
//			return err // a *BrokenError names the event
//		}
//	}
//
// docs/formats.md, "Audit event", has the layout of the bytes.
package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
	"unicode/utf8"

	"hotcell"
)

// The domains keep a hash of one kind from standing for another.
const (
	domainGenesis = "hotcell audit genesis 1\x00"
	domainLink    = "hotcell audit link 1\x00"
	// formatVersion is the first byte of every encoded event.
	formatVersion = 1
)

// Encode gives the bytes of an event that its hash covers: every field but
// Hash, in a fixed order. It refuses with [hotcell.ErrInvalid] what would not
// come back the same from JSON, so that what was stored can always be verified.
func Encode(e hotcell.Event) ([]byte, error) {
	return Append(make([]byte, 0, 320), e)
}

// Append is [Encode] to the end of b.
func Append(b []byte, e hotcell.Event) ([]byte, error) {
	if err := Check(e); err != nil {
		return nil, err
	}
	if e.Sequence < 1 {
		return nil, hotcell.Invalid("/sequence", "an event's sequence begins at 1")
	}
	b = append(b, formatVersion)
	b = number(b, e.Sequence)
	b = text(b, string(e.Workspace))
	b = number(b, e.At.Unix())
	b = binary.BigEndian.AppendUint32(b, uint32(e.At.Nanosecond()))
	for _, s := range texts(&e) {
		b = text(b, s)
	}
	b = number(b, int64(e.Version))
	b = number(b, e.Size)
	return number(b, e.Duration), nil
}

// texts lists the fields of text in the order in which they are encoded,
// without the workspace.
func texts(e *hotcell.Event) [11]string {
	return [...]string{
		e.Kind, string(e.Decision), e.Reason, string(e.Member), e.Via, string(e.Job),
		string(e.Assignment), string(e.Credential), e.Name, e.Host, e.Request,
	}
}

func number(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) }

func text(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// MaxText bounds one field of text, in bytes: an event says what happened, it
// carries nothing.
const MaxText = 16 << 10

// Check says whether an event can be stored, whatever its sequence.
func Check(e hotcell.Event) error {
	if e.Workspace == "" {
		return hotcell.Invalid("/workspace", "an event belongs to a workspace")
	}
	if e.Kind == "" {
		return hotcell.Invalid("/kind", "an event has a kind")
	}
	if year := e.At.UTC().Year(); year < 1 || year > 9999 {
		return hotcell.Invalid("/at", "an event's time lies in the years 1 to 9999")
	}
	fields := texts(&e)
	for _, s := range append(fields[:], string(e.Workspace)) {
		if len(s) > MaxText {
			return hotcell.Invalid("", "a text of the event is longer than %d bytes", MaxText)
		}
		if !utf8.ValidString(s) {
			return hotcell.Invalid("", "a text of the event is not UTF-8")
		}
	}
	return nil
}

// Genesis is what the first event of a workspace is linked to.
func Genesis(ws hotcell.WorkspaceID) [32]byte {
	return sha256.Sum256(text([]byte(domainGenesis), string(ws)))
}

// Link is an event's hash: over the one before it and its own encoded bytes.
func Link(prev [32]byte, encoded []byte) [32]byte {
	var buffer [512]byte
	b := append(buffer[:0], domainLink...)
	b = append(b, prev[:]...)
	b = number(b, int64(len(encoded)))
	return sha256.Sum256(append(b, encoded...))
}

// Head is where a chain ends: what a later event is linked to, and what a log
// is held against to find that its end was cut off.
type Head struct {
	// Sequence is the last event's; 0 for an empty log.
	Sequence int64    `json:"sequence"`
	Hash     [32]byte `json:"hash"`
}

// Start is the head of a workspace's empty log.
func Start(ws hotcell.WorkspaceID) Head { return Head{Hash: Genesis(ws)} }

// Add gives the event its sequence and hash as the one after the head, and the
// head after it. The event's time comes back in UTC.
func (h Head) Add(e hotcell.Event) (hotcell.Event, Head, error) {
	e.Sequence, e.At = h.Sequence+1, e.At.Round(0).In(time.UTC)
	encoded, err := Encode(e)
	if err != nil {
		return e, h, err
	}
	next := Head{Sequence: e.Sequence, Hash: Link(h.Hash, encoded)}
	e.Hash = next.Hash[:]
	return e, next, nil
}

package audit

import (
	"bytes"
	"fmt"

	"hotcell"
)

// BrokenError names the first event of a log that does not fit. It is an
// [hotcell.ErrTampered].
type BrokenError struct {
	// Sequence is the event that should have stood there.
	Sequence int64
	// Reason is one sentence, without the event's text.
	Reason string
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("audit log broken at event %d: %s", e.Sequence, e.Reason)
}

// Is makes every BrokenError an [hotcell.ErrTampered].
func (e *BrokenError) Is(target error) bool { return target == hotcell.ErrTampered }

// Verifier reads one workspace's log, oldest first, and finds the first event
// that does not fit. Once it has found one, it stays with that answer.
type Verifier struct {
	workspace hotcell.WorkspaceID
	head      Head
	broken    error
}

// NewVerifier begins at a workspace's first event.
func NewVerifier(ws hotcell.WorkspaceID) *Verifier {
	return &Verifier{workspace: ws, head: Start(ws)}
}

// Next takes the event that follows. Its error is a *[BrokenError].
func (v *Verifier) Next(e hotcell.Event) error {
	if v.broken == nil {
		v.broken = v.fit(e)
	}
	return v.broken
}

func (v *Verifier) fit(e hotcell.Event) error {
	want := v.head.Sequence + 1
	switch {
	case e.Workspace != v.workspace:
		return &BrokenError{want, "an event of another workspace stands here"}
	case e.Sequence > want:
		return &BrokenError{want, fmt.Sprintf("it is missing: event %d stands here", e.Sequence)}
	case e.Sequence < want:
		return &BrokenError{want, fmt.Sprintf("event %d stands here a second time", e.Sequence)}
	}
	encoded, err := Encode(e)
	if err != nil {
		return &BrokenError{want, "it was altered: no event reads like this"}
	}
	sum := Link(v.head.Hash, encoded)
	if !bytes.Equal(sum[:], e.Hash) {
		return &BrokenError{want, "it was altered, or what stood before it was: its hash does not fit"}
	}
	v.head = Head{Sequence: want, Hash: sum}
	return nil
}

// Head is where the log stands after what fitted.
func (v *Verifier) Head() Head { return v.head }

// End holds the log, as read so far, against a head that was kept elsewhere:
// a log that was cut off, or was written anew, does not reach it.
func (v *Verifier) End(head Head) error {
	switch {
	case v.broken != nil:
	case v.head.Sequence < head.Sequence:
		v.broken = &BrokenError{v.head.Sequence + 1, fmt.Sprintf("it is missing: the log was cut off before event %d", head.Sequence)}
	case v.head.Sequence > head.Sequence:
		v.broken = &BrokenError{head.Sequence + 1, "it stands after the head that was given"}
	case v.head.Hash != head.Hash:
		v.broken = &BrokenError{head.Sequence, "the log was written anew: its hash is not the head's"}
	}
	return v.broken
}

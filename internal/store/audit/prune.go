package audit

import (
	"encoding/hex"
	"fmt"
	"time"

	"hotcell"
)

// KindPrune is the kind of the event by which a log says that retention removed
// what came before.
const KindPrune = "audit.prune"

// Checkpoint is where a log begins whose older events retention has removed: the
// last of them, and when that was decided. It is kept beside the log, and an event
// in the chain says the same: without that it proves nothing.
type Checkpoint struct {
	Head
	At time.Time `json:"at"`
}

// Event is what the log says of it.
func (c Checkpoint) Event(ws hotcell.WorkspaceID) hotcell.Event {
	return hotcell.Event{
		Workspace: ws, At: c.At, Kind: KindPrune, Decision: hotcell.Allowed, Via: "vault", Size: c.Sequence, Request: hex.EncodeToString(c.Hash[:]),
		Reason: fmt.Sprintf("events before %d were removed by retention; the hash of the last is in request", c.Sequence+1),
	}
}

// Told says whether an event is the one that tells of it.
func (c Checkpoint) Told(e hotcell.Event) bool {
	return e.Kind == KindPrune && e.Via == "vault" && e.Size == c.Sequence && e.Request == hex.EncodeToString(c.Hash[:]) && e.Sequence > c.Sequence
}

// NewVerifierAfter begins with the event after a head.
func NewVerifierAfter(ws hotcell.WorkspaceID, head Head) *Verifier {
	return &Verifier{workspace: ws, head: head}
}

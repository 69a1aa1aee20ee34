package hotcell

import "time"

// Operation is something dangerous that whoever is signed in confirms for that one time:
// what they would do, said in a sentence by the vault.
type Operation struct {
	ID        OperationID `json:"id"`
	Text      string      `json:"text"`
	ExpiresAt time.Time   `json:"expires_at"`
}

// OperationTime is for how long an operation can be confirmed, and done once it is.
const OperationTime = 5 * time.Minute

// ConfirmError is an [ErrConfirm] that names the operation.
type ConfirmError struct{ Operation }

func (e *ConfirmError) Error() string {
	return "this takes a confirmation: " + e.Text
}

// Is makes every ConfirmError an [ErrConfirm].
func (e *ConfirmError) Is(target error) bool { return target == ErrConfirm }

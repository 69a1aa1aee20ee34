package hotcell

import "time"

// UndeleteTime is for how long a deleted credential can be taken back.
const UndeleteTime = 7 * 24 * time.Hour

// Deleted is a credential that was deleted and can be taken back. It is no credential
// meanwhile: nothing finds it, and its values stay sealed.
type Deleted struct {
	Credential Credential `json:"credential"`
	// At is when, and By who.
	At time.Time `json:"at"`
	By MemberID  `json:"by"`
	// Until is when it is destroyed.
	Until time.Time `json:"until"`
	// Refresh is the journal of a connection: which token was sent is not forgotten.
	Refresh Refresh `json:"refresh,omitzero"`
}

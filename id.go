package hotcell

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// Identifiers are TypeIDs: a prefix that names the kind, and a time-ordered
// UUIDv7 in 26 characters of Crockford's base32 (typeid specification 0.3).
// They are types of their own so that arguments cannot be swapped.
type (
	// WorkspaceID begins with wsp_.
	WorkspaceID string
	// MemberID begins with mem_.
	MemberID string
	// CredentialID begins with the prefix of its tier: sec_ for a secret.
	CredentialID string
	// AssignmentID begins with asg_.
	AssignmentID string
	// AttachmentID begins with att_.
	AttachmentID string
	// JobID begins with job_.
	JobID string
	// RequestID begins with ask_.
	RequestID string
	// LinkID begins with lnk_.
	LinkID string
	// BackupID begins with bak_.
	BackupID string
	// PersonID begins with per_.
	PersonID string
	// SessionID begins with ses_.
	SessionID string
	// TokenID begins with pat_.
	TokenID string
	// InvitationID begins with inv_.
	InvitationID string
	// OperationID begins with op_.
	OperationID string
)

// The prefixes of identifiers.
const (
	PrefixWorkspace  = "wsp"
	PrefixMember     = "mem"
	PrefixSecret     = "sec"
	PrefixLogin      = "log"
	PrefixConnection = "con"
	PrefixAssignment = "asg"
	PrefixAttachment = "att"
	PrefixJob        = "job"
	PrefixRequest    = "req" // of a call, in logs
	PrefixAsk        = "ask"
	PrefixLink       = "lnk"
	PrefixBackup     = "bak"
	PrefixPerson     = "per"
	PrefixSession    = "ses"
	PrefixToken      = "pat"
	PrefixInvitation = "inv"
	PrefixOperation  = "op"
)

const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

// NewID makes a fresh identifier. It fails only where the system has no
// randomness, which Go ends the process for; so it returns no error.
func NewID(prefix string) string {
	return prefix + "_" + encodeUUID(uuid.Must(uuid.NewV7()))
}

// encodeUUID writes 128 bits as 26 digits of 5 bits, two zero bits in front.
func encodeUUID(u uuid.UUID) string {
	var out [26]byte
	acc, bits, at := uint(0), 2, 0
	for _, b := range u {
		acc, bits = acc<<8|uint(b), bits+8
		for bits >= 5 {
			bits -= 5
			out[at] = crockford[acc>>bits&31]
			at++
		}
		acc &= 1<<bits - 1
	}
	return string(out[:])
}

// CheckID says whether id is a well-formed identifier of the kind prefix.
func CheckID(id, prefix string) error {
	digits, found := strings.CutPrefix(id, prefix+"_")
	if !found || len(digits) != 26 || digits[0] > '7' {
		return fmt.Errorf("%w: not an identifier that begins with %s_", ErrNotFound, prefix)
	}
	for _, c := range []byte(digits) {
		if strings.IndexByte(crockford, c) < 0 {
			return fmt.Errorf("%w: not an identifier that begins with %s_", ErrNotFound, prefix)
		}
	}
	return nil
}

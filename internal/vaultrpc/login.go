package vaultrpc

import (
	"hotcell"
	"hotcell/internal/cellrpc"
)

// The control plane's procedures for logins, and the worker's.
const (
	CreateLogin  = "/hotcell.vault.control/CreateLogin"
	ChangeLogin  = "/hotcell.vault.control/ChangeLogin"
	ImportLogins = "/hotcell.vault.control/ImportLogins"

	Logins    = "/hotcell.vault.worker/Logins"
	ArmLogin  = "/hotcell.vault.worker/ArmLogin"
	AwaitArm  = "/hotcell.vault.worker/AwaitArm"
	FillLogin = "/hotcell.vault.worker/FillLogin"
	AskLogin  = "/hotcell.vault.worker/AskLogin"
)

// HeaderSpent is on the answer to such a request: fingerprints, in base64, of the
// values that were put onto it.
const HeaderSpent = HeaderPrefix + "Spent"

// HeaderArm names, on a request that is forwarded, what was armed for it: the
// body holds one of its stand-ins.
const HeaderArm = HeaderPrefix + "Arm"

// CreateLoginRequest makes a login. Values are one HPKE message each to the
// vault's key, in the context workspace, tier "login", item, field. The item is
// the login's name at its creation, its id afterwards.
type CreateLoginRequest struct {
	Principal hotcell.Principal `json:"principal"`
	// Name is unique in its group; an import without one gets "HOST USERNAME".
	Name   string `json:"name"`
	Shared bool   `json:"shared,omitempty"`
	// Site is a URL or a host, as typed.
	Site     string `json:"site"`
	Username string `json:"username,omitempty"`
	// Fields are [hotcell.FieldPassword] and [hotcell.FieldOTP]: at least one. The
	// latter is what package otp reads: base32, or an otpauth URI.
	Fields []SealedVariable `json:"fields"`
	// Request is the request of a job that this answers: the login is attached to
	// its assignment, and the job gets it at once.
	Request hotcell.RequestID `json:"request,omitempty"`
}

// ChangeLoginRequest changes what is given and leaves the rest. The site of a
// login does not change: another site is another login.
type ChangeLoginRequest struct {
	Principal hotcell.Principal    `json:"principal"`
	ID        hotcell.CredentialID `json:"id"`
	// Revision is the one that the caller knows; 0 for any.
	Revision int     `json:"revision,omitempty"`
	Name     *string `json:"name,omitempty"`
	Username *string `json:"username,omitempty"`
	// Set are new values; Unset the names of those to forget.
	Set   []SealedVariable `json:"set,omitempty"`
	Unset []string         `json:"unset,omitempty"`
}

// ImportLoginsRequest makes many logins, all or none.
type ImportLoginsRequest struct {
	Principal hotcell.Principal    `json:"principal"`
	Logins    []CreateLoginRequest `json:"logins"`
	// Skip leaves those out that there are already, by site and user name; else
	// one of them refuses all.
	Skip bool `json:"skip,omitempty"`
}

// ImportLoginsAnswer says what was made, and what was there already.
type ImportLoginsAnswer struct {
	Made []hotcell.Credential `json:"made"`
	// There are indexes into the request.
	There []int `json:"there,omitempty"`
}

// LoginsRequest lists the logins of a job for exactly one site.
type LoginsRequest struct {
	Job hotcell.JobID `json:"job"`
	cellrpc.LoginsRequest
}

// LoginsAnswer lists them.
type LoginsAnswer struct{ cellrpc.LoginsAnswer }

// ArmLoginRequest arms one substitution; see [cellrpc.ArmRequest].
type ArmLoginRequest struct {
	Job hotcell.JobID `json:"job"`
	cellrpc.ArmRequest
}

// ArmLoginAnswer names it.
type ArmLoginAnswer struct{ cellrpc.ArmAnswer }

// AwaitArmRequest asks what became of it.
type AwaitArmRequest struct {
	Job hotcell.JobID `json:"job"`
	cellrpc.AwaitArmRequest
}

// AwaitArmAnswer says it.
type AwaitArmAnswer struct{ cellrpc.ArmState }

// FillLoginRequest asks for values sealed to a browser's init.
type FillLoginRequest struct {
	Job hotcell.JobID `json:"job"`
	cellrpc.FillRequest
}

// FillLoginAnswer is an HPKE message, in the info of [FillInfo].
type FillLoginAnswer struct {
	Message []byte `json:"message"`
}

// FillInfo is the info of the HPKE message that a [FillLoginAnswer] holds.
func FillInfo(job hotcell.JobID, use hotcell.AttachmentID) []byte {
	return []byte("hotcell/fill/1\x00" + string(job) + "\x00" + string(use))
}

// AskLoginRequest asks a person for a login, and returns at once.
type AskLoginRequest struct {
	Job hotcell.JobID `json:"job"`
	cellrpc.AskLogin
}

// AskLoginAnswer is the request, which may have been there already. Whoever
// asks waits by [AwaitRequest].
type AskLoginAnswer struct {
	Request hotcell.Request `json:"request"`
}

package vaultrpc

import (
	"time"

	"hotcell"
	"hotcell/internal/line/cellrpc"
)

// The control plane's procedures for logins, and the worker's.
const (
	CreateLogin  = "/hotcell.vault.control/CreateLogin"
	ChangeLogin  = "/hotcell.vault.control/ChangeLogin"
	ImportLogins = "/hotcell.vault.control/ImportLogins"
	LinkAsked    = "/hotcell.vault.control/LinkAsked"
	AskedLogin   = "/hotcell.vault.control/AskedLogin"
	AnswerLogin  = "/hotcell.vault.control/AnswerLogin"

	Logins    = "/hotcell.vault.worker/Logins"
	ArmLogin  = "/hotcell.vault.worker/ArmLogin"
	AwaitArm  = "/hotcell.vault.worker/AwaitArm"
	FillLogin = "/hotcell.vault.worker/FillLogin"
	AskLogin  = "/hotcell.vault.worker/AskLogin"
	AskWay    = "/hotcell.vault.worker/AskWay"
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
	By
	// Name is unique in its group; an import without one gets "HOST USERNAME".
	Name   string `json:"name"`
	Shared bool   `json:"shared,omitempty"`
	// Site is a URL or a host, as typed.
	Site     string `json:"site"`
	Username string `json:"username,omitempty"`
	// Fields are [hotcell.FieldPassword] and [hotcell.FieldOTP]: at least one. The
	// latter is what package otp reads: base32, or an otpauth URI.
	Fields []SealedVariable `json:"fields"`
	// Request is the request of a job that this answers, both or neither: the job
	// gets the login at once, and where it is standing its assignment too.
	Request  hotcell.RequestID `json:"request,omitempty"`
	Standing bool              `json:"standing,omitempty"`
	// Into is, of an import, a login that gets the values instead of a new one; they
	// are sealed for its id, and it has none of them yet.
	Into hotcell.CredentialID `json:"into,omitempty"`
	// Item is what values were sealed for, where that is not the name.
	Item string `json:"item,omitempty"`
}

// LinkAskedRequest makes the link by which a person without a command line
// answers a job's request for a login.
type LinkAskedRequest struct {
	By
	ID hotcell.RequestID `json:"id"`
}

// LinkAskedAnswer is the link's secret part, told this once.
type LinkAskedAnswer struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// AskedRequest is a browser that opens such a link. Nobody is signed in there: the
// token is all that it has.
type AskedRequest struct {
	Token string `json:"token"`
}

// AskedAnswer is what the page tells a person, and what it seals for: values are
// HPKE messages as for a new login, with the item Item.
type AskedAnswer struct {
	Site       string              `json:"site"`
	Assignment string              `json:"assignment"`
	Job        hotcell.JobID       `json:"job"`
	Member     string              `json:"member"`
	Why        string              `json:"why,omitempty"`
	Workspace  hotcell.WorkspaceID `json:"workspace"`
	PublicKey  []byte              `json:"public_key"`
	Item       string              `json:"item"`
}

// AnswerRequest answers by the link: a personal login of the member on whose behalf
// the job runs is made, and the job gets it.
type AnswerRequest struct {
	Token    string           `json:"token"`
	Username string           `json:"username,omitempty"`
	Fields   []SealedVariable `json:"fields"`
}

// ChangeLoginRequest changes what is given and leaves the rest. The site of a
// login does not change: another site is another login.
type ChangeLoginRequest struct {
	By
	ID hotcell.CredentialID `json:"id"`
	// Revision is the one that the caller knows; 0 for any.
	Revision int     `json:"revision,omitempty"`
	Name     *string `json:"name,omitempty"`
	Username *string `json:"username,omitempty"`
	// Set are new values; Unset the names of those to forget.
	Set   []SealedVariable `json:"set,omitempty"`
	Unset []string         `json:"unset,omitempty"`
	// Start is another address of the page to sign in on: a URL of the same site.
	Start *string `json:"start,omitempty"`
	// Steps are added to the way in; Forget leaves out all that there were first.
	Steps  []hotcell.WayStep `json:"steps,omitempty"`
	Forget bool              `json:"forget,omitempty"`
}

// ImportLoginsRequest makes many logins, all or none.
type ImportLoginsRequest struct {
	By
	Logins []CreateLoginRequest `json:"logins"`
	// Skip leaves those out that there are already, by site and user name; else
	// one of them refuses all.
	Skip bool `json:"skip,omitempty"`
}

// ImportLoginsAnswer says what was made, and what was there already.
type ImportLoginsAnswer struct {
	Made []hotcell.Credential `json:"made"`
	// Changed are the logins that got values.
	Changed []hotcell.Credential `json:"changed,omitempty"`
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

// ArmLoginAnswer names it, with the steps by which it may go: the gateway knows the
// request by them, and the vault holds it against them again.
type ArmLoginAnswer struct {
	cellrpc.ArmAnswer
	Steps []hotcell.WayStep `json:"steps,omitempty"`
}

// AskWayRequest asks people whether a login may be sent by a step, and returns at once.
type AskWayRequest struct {
	Job    hotcell.JobID        `json:"job"`
	Use    hotcell.AttachmentID `json:"use"`
	Origin cellrpc.Origin       `json:"origin"`
	Step   hotcell.WayStep      `json:"step"`
	// Start is as in [hotcell.AskedWay].
	Start bool `json:"start,omitempty"`
}

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

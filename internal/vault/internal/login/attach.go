package login

import (
	"hotcell"
	"hotcell/internal/vault/internal/door"
)

// CheckAttach refuses an attachment of c that is not one of a login, a second
// login of one account, and one by which a script of the agent's could read what
// another has typed: all logins of a job share its browser.
func CheckAttach(r hotcell.VaultReader, on hotcell.Attachment, c hotcell.Credential) error {
	if on.As != hotcell.InjectLogin {
		return hotcell.Invalid("/as", "a login is attached as %q: the job's browser signs in with it", hotcell.InjectLogin)
	}
	if len(on.Hosts)+len(on.Methods)+len(on.Paths)+len(on.Tools)+len(on.Rules)+len(on.Approve)+len(on.Unasked)+len(on.Places)+len(on.Brings)+len(on.Files) > 0 {
		return hotcell.Invalid("/as", "a login is for its own site and nothing else: it is narrowed by nothing but --fill and --evaluate")
	}
	return door.FitsLogins(r, on, c)
}

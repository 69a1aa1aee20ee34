package login

import (
	"fmt"

	"hotcell"
	"hotcell/internal/site"
)

// CheckAttach refuses an attachment of c that is not one of a login, a second
// login of one account, and one by which a script of the agent's could read what
// another has typed: all logins of a job share its browser.
func CheckAttach(r hotcell.VaultReader, on hotcell.Attachment, c hotcell.Credential) error {
	if on.As != hotcell.InjectLogin {
		return hotcell.Invalid("/as", "a login is attached as %q: the job's browser signs in with it", hotcell.InjectLogin)
	}
	if len(on.Hosts)+len(on.Methods)+len(on.Paths)+len(on.Tools)+len(on.Rules)+len(on.Approve)+len(on.Unasked) > 0 || on.Bodies {
		return hotcell.Invalid("/as", "a login is for its own site and nothing else: it is narrowed by nothing but --fill and --evaluate")
	}
	attached, err := r.Attachments(c.Workspace, on.Assignment, "")
	if err != nil {
		return err
	}
	for _, at := range attached {
		if at.As != hotcell.InjectLogin || at.Credential == c.ID {
			continue
		}
		if on.Fill && at.Evaluate || on.Evaluate && at.Fill {
			return hotcell.Invalid("/evaluate", "%s", hotcell.FillOrEvaluate)
		}
		other, err := r.Credential(c.Workspace, at.Credential)
		if err != nil {
			return err
		}
		if other.Login.Of(c.Login.Host, c.Login.Port, c.Login.Plain) && other.Login.Username == c.Login.Username {
			return fmt.Errorf("%w: another login of %q for %s is attached already", hotcell.ErrConflict, c.Login.Username, site.FormatLogin(*c.Login))
		}
	}
	return nil
}

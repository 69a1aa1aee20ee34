package call

import (
	"context"
	"crypto/sha256"
	"encoding/json"

	"hotcell"
)

// approval asks a person about a call that needs it. It returns the request that
// waits, or nothing where the call may be made.
func (s *Service) approval(ctx context.Context, a *attempt) (waits hotcell.RequestID, err error) {
	if !a.offer.approval {
		return "", nil
	}
	call := a.asked()
	text, fault := a.shown()
	if fault != nil {
		return "", s.refuse(ctx, a, fault)
	}
	call.Arguments = text
	q, err := s.Vault.AskCall(ctx, a.request.Job, a.request.Approved, call)
	if err != nil && a.request.Approved != "" {
		return "", denied(err)
	}
	if err != nil {
		return "", err
	}
	switch q.State {
	case hotcell.RequestApproved:
		a.approved = q.ID
		return "", nil
	case hotcell.RequestPending:
		return q.ID, nil
	case hotcell.RequestExpired:
		return "", s.refuse(ctx, a, refused(codeRefused, "nobody has decided on this call in time: call again to ask anew"))
	case hotcell.RequestRefused:
	}
	return "", s.refuse(ctx, a, refused(codeRefused, "a person refused this call: do not try it again"))
}

// asked is the call as a person decides on it: its hash is over the arguments in
// one form, so that what was approved is this call and no other.
func (a *attempt) asked() hotcell.AskedCall {
	text, _ := json.Marshal(a.args) // of what came as JSON; keys are in order
	sum := sha256.Sum256(text)
	use := &a.offer.held.Use
	return hotcell.AskedCall{
		Attachment: use.Attachment, Credential: use.Credential, Connection: a.menu.called(a.offer), Account: a.offer.account, Tool: a.offer.tool.Name, Hash: sum[:],
	}
}

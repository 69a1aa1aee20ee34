package call

import (
	"bytes"
	"errors"
	"strings"

	"hotcell"
)

// toModel says why a call does not go to a model's host: it is not declared to keep
// nothing, or the arguments hold a value of a credential. To other services a job may
// send what it has; to a model nothing of it goes.
func (s *Service) toModel(a *attempt) *refusal {
	o := a.offer
	model, err := s.Vault.Model(a.menu.holding, &o.held.Use, o.host, o.port)
	switch {
	case errors.Is(err, hotcell.ErrDenied):
		return refused(codeRefused, "%s", strings.TrimPrefix(err.Error(), hotcell.ErrDenied.Error()+": "))
	case model && a.hides():
		return refused(codeRefused, "the arguments hold a value of a credential, and nothing of one goes to a model")
	}
	return nil
}

// hides says whether the gateway's guard took something out of the arguments, or says
// nothing of them.
func (a *attempt) hides() bool { return !bytes.Equal(a.request.Arguments, a.request.Shown) }

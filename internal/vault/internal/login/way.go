package login

import (
	"context"
	"fmt"
	"strings"

	"hotcell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/site"
	"hotcell/internal/wire/wayin"
)

// AskWay asks people whether a login may be sent by a step.
func (s *Service) AskWay(ctx context.Context, r *vaultrpc.AskWayRequest) (hotcell.Request, error) {
	return s.Vault.AskWay(ctx, r.Job, r.Use, At(r.Origin), r.Step, r.Start)
}

// knownForm refuses a form that nobody said yes to. A page's form may have both fields
// though only one is filled in now.
func knownForm(use hotcell.Use, r *cellrpc.FillRequest) error {
	step := wayin.Form(r)
	if !use.Login.Way.Has(&step) || r.Password && step.Password == "" || r.Code && len(step.Code) == 0 {
		return fmt.Errorf("%w: the login %s is filled into forms that a person said yes to, and into no other", hotcell.ErrDenied, use.Name)
	}
	return nil
}

// changeWay changes where a login is signed in to, and by which requests.
func changeWay(l *hotcell.Login, r *vaultrpc.ChangeLoginRequest) (err error) {
	if r.Start != nil {
		if l.Start, err = startOf(*l, *r.Start); err != nil {
			return err
		}
	}
	if r.Forget {
		l.Way = nil
	}
	for _, step := range r.Steps {
		if l.Way, err = l.Way.With(step); err != nil {
			return err
		}
	}
	return nil
}

// startOf reads another address of the page to sign in on: a URL of the same site, or
// a path of it.
func startOf(l hotcell.Login, text string) (string, error) {
	if strings.HasPrefix(text, "/") {
		scheme := "https://"
		if l.Plain {
			scheme = "http://"
		}
		text = scheme + site.FormatLogin(l) + text
	}
	there, err := site.Login(text)
	switch {
	case err != nil:
		return "", err
	case there.Host != l.Host || there.Port != l.Port || there.Plain != l.Plain:
		return "", hotcell.Invalid("/start", "the page to sign in on is one of the login's own site, %s", site.FormatLogin(l))
	}
	return there.Start, nil
}

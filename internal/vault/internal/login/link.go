package login

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/site"
	"hotcell/internal/vault/internal/door"
)

// linkTime is how long a link is good by which a request is answered.
const linkTime = 15 * time.Minute

const purposeLink = "login request link"

// errNoLink is all that whoever has no good token is told.
var errNoLink = fmt.Errorf("%w: there is no such link, or it is over", hotcell.ErrNotFound)

// token is the secret part of a link: of one request, until one moment. Nothing of
// it is stored, and it is good for as long as the request waits.
func (s *Service) token(id hotcell.RequestID, until int64) string {
	text := string(id) + "." + strconv.FormatInt(until, 10)
	return text + "." + s.Vault.Derive(purposeLink, text)
}

// Link makes a link, for whoever may decide on the request.
func (s *Service) Link(ctx context.Context, r *vaultrpc.LinkAskedRequest) (*vaultrpc.LinkAskedAnswer, error) {
	if err := s.Vault.LinkRequest(ctx, r.Principal, r.ID); err != nil {
		return nil, err
	}
	until := s.Now().Add(linkTime).Truncate(time.Second)
	return &vaultrpc.LinkAskedAnswer{Token: s.token(r.ID, until.Unix()), Expires: until}, nil
}

// asked finds the request of a token.
func (s *Service) asked(ctx context.Context, token string) (door.AskedLogin, error) {
	id, rest, _ := strings.Cut(token, ".")
	end, _, _ := strings.Cut(rest, ".")
	until, err := strconv.ParseInt(end, 10, 64)
	if hotcell.CheckID(id, hotcell.PrefixAsk) != nil || err != nil {
		return door.AskedLogin{}, errNoLink
	}
	good := subtle.ConstantTimeCompare([]byte(token), []byte(s.token(hotcell.RequestID(id), until))) == 1
	if !good || s.Now().Unix() >= until {
		return door.AskedLogin{}, errNoLink
	}
	asked, err := s.Vault.AskedLogin(ctx, hotcell.RequestID(id))
	if errors.Is(err, hotcell.ErrNotFound) || err == nil && asked.Request.State != hotcell.RequestPending {
		err = errNoLink
	}
	return asked, err
}

// Asked tells the browser that shows a token what is asked for.
func (s *Service) Asked(ctx context.Context, r *vaultrpc.AskedRequest) (*vaultrpc.AskedAnswer, error) {
	asked, err := s.asked(ctx, r.Token)
	if err != nil {
		return nil, err
	}
	q := asked.Request
	key, err := s.Vault.PublicKey(q.Workspace)
	if err != nil {
		return nil, err
	}
	return &vaultrpc.AskedAnswer{
		Site: site.FormatLogin(hotcell.Login{Host: q.Allow.Host, Port: q.Allow.Port}), Assignment: asked.Assignment, Member: asked.Member,
		Job: q.Job, Why: q.Why, Workspace: q.Workspace, PublicKey: key.Bytes(), Item: string(q.ID),
	}, nil
}

// Answer makes the login that a person typed into the page of a link: a personal
// one of the member on whose behalf the job runs, for this job alone.
func (s *Service) Answer(ctx context.Context, r *vaultrpc.AnswerRequest) error {
	asked, err := s.asked(ctx, r.Token)
	if err != nil {
		return err
	}
	q := asked.Request
	_, err = s.Create(ctx, &vaultrpc.CreateLoginRequest{
		By: vaultrpc.As(hotcell.Principal{Workspace: q.Workspace, Member: q.Member, Via: "link"}), Username: r.Username, Fields: r.Fields, Request: q.ID, Item: string(q.ID),
		Site: site.FormatLogin(hotcell.Login{Host: q.Allow.Host, Port: q.Allow.Port}),
	})
	return err
}

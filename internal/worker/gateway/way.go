package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"hotcell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/wire/wayin"
)

// proposal is a way in that people may be asked about: what a request would have been
// that was kept back.
type proposal struct {
	use    hotcell.AttachmentID
	origin cellrpc.Origin
	step   hotcell.WayStep
	// rank says how much it is like a sign-in: a page may send what is typed to several
	// places.
	rank int
}

// maxArmed is how long a body may be in which a stand-in is looked for, in bytes.
const maxArmed = 8 << 20

// substitute has a request go by the vault, where it is a step of a login's way in and
// holds what stands in for it. One that holds it and is another request is kept back. It
// answers, and returns false, where the request goes no further.
func (x *exchange) substitute(w http.ResponseWriter, r *http.Request, to *target) bool {
	b := &x.gateway.browsing
	b.mu.Lock()
	a := b.armed
	b.mu.Unlock()
	if a == nil || a.origin.Host != to.host || a.origin.Port != to.port || a.origin.Plain || r.Body == nil || r.ContentLength > maxArmed || !a.learn && !signs(r, to) {
		return true
	}
	use := x.gateway.rules().attachment(a.use)
	if use == nil || use.As != hotcell.InjectLogin {
		return true
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxArmed+1))
	if err != nil {
		x.fail(w, err)
		return false
	}
	rest := io.Reader(bytes.NewReader(body))
	if len(body) > maxArmed {
		rest = io.MultiReader(rest, r.Body)
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{rest, r.Body}
	if len(body) > maxArmed {
		return true
	}
	switch b.judge(a, wayin.Request{Method: r.Method, URL: r.URL, Header: r.Header, Body: body, Username: a.username}, signs(r, to), document(r)) {
	case sent:
		x.verdict.Uses, x.arm = []*hotcell.Use{use}, a.id
	case keptBack:
		x.refuse(w, http.StatusForbidden, "nobody has said yes to this way of signing in: the request was kept back, and had nothing of the login")
		return false
	case passed:
	}
	return true
}

// signs says whether a request could be one that signs in: it comes from a page of the
// site, and has a body.
func signs(r *http.Request, to *target) bool {
	return (r.Method == http.MethodPost || r.Method == http.MethodPut) && ownRequest(r.Header, to)
}

// judgement is what becomes of a request while something is armed.
type judgement int

const (
	passed judgement = iota
	sent
	keptBack
)

// judge says what becomes of a request. A stand-in goes by the vault once: a later
// request that has it too goes where it is meant to go, with what it has.
func (b *browsing) judge(a *armed, r wayin.Request, own, document bool) judgement {
	b.mu.Lock()
	defer b.mu.Unlock()
	named := a.username != "" && bytes.Contains(r.Body, []byte(a.username))
	if !wayin.Holds(r, a.words) {
		if a.learn && named { // it may be made of the stand-in
			a.keep(true)
			return keptBack
		}
		return passed
	}
	if found, ok := wayin.Match(a.steps, r, a.words); ok && !a.learn {
		for field := range found {
			if field == hotcell.FieldOTP {
				a.words.Code = nil
			} else {
				a.words.Password = nil
			}
		}
		return sent
	}
	step, ok := wayin.Learn(r, a.words)
	ok = ok && own
	rank := 1
	if named {
		rank++
	}
	if document {
		rank++
	}
	if ok && (a.proposal == nil || rank > a.proposal.rank) {
		a.proposal = &proposal{a.use, a.origin, step, rank}
		b.proposal = a.proposal
	}
	a.keep(!ok)
	return keptBack
}

// keep notes that a request was kept back.
func (a *armed) keep(unread bool) {
	a.unread = a.unread || unread
	select {
	case <-a.kept:
	default:
		close(a.kept)
	}
}

// askWay asks a person whether a login may be sent as it would have been, and waits.
func (g *Gateway) askWay(ctx context.Context, r cellrpc.AskWay) (any, error) {
	step, err := g.proposed(&r)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	asked, err := g.Vault.AskWay(waiting, &vaultrpc.AskWayRequest{Job: g.Job.ID, Use: hotcell.AttachmentID(r.Use), Origin: r.Origin, Step: step, Start: r.Start})
	if err != nil {
		return nil, err
	}
	request := asked.Request
	if !r.Brief {
		if request, err = g.decided(ctx, waiting, request); err != nil {
			return nil, err
		}
	}
	out := cellrpc.Asked{Request: string(request.ID), State: string(request.State)}
	name := request.Way.Login
	switch request.State {
	case hotcell.RequestApproved:
		out.Text = "a person has said yes to this way in"
	case hotcell.RequestPending:
		out.Text = "a person has to say once how " + name + " signs in, and nobody has yet: hotcell requests show " + string(request.ID) + " (beforehand: hotcell logins test " + strconv.Quote(name) + ")"
	case hotcell.RequestRefused, hotcell.RequestExpired:
		out.Text = "a person has said no to this way of signing in to " + net.JoinHostPort(r.Origin.Host, strconv.Itoa(r.Origin.Port))
	}
	return out, nil
}

// proposed is the step that is asked about.
func (g *Gateway) proposed(r *cellrpc.AskWay) (step hotcell.WayStep, err error) {
	if r.Form != nil {
		return wayin.Form(r.Form), nil
	}
	b := &g.browsing
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.proposal
	if p == nil || string(p.use) != r.Use || p.origin != r.Origin {
		return step, fmt.Errorf("%w: no request of this login was kept back", hotcell.ErrConflict)
	}
	step = p.step
	step.Page = r.Page
	return step, step.Check()
}

// decided waits until a person has decided on a request, or waiting ends.
func (g *Gateway) decided(ctx, waiting context.Context, request hotcell.Request) (hotcell.Request, error) {
	over, err := g.asks()
	if err != nil {
		return request, err
	}
	defer over()
	id := request.ID
	g.asking.Store(&id)
	defer g.asking.Store(nil)
	for request.State == hotcell.RequestPending && waiting.Err() == nil {
		looking, stop := context.WithTimeout(waiting, lookTime)
		out, err := g.Vault.AwaitRequest(looking, &vaultrpc.AwaitRequestRequest{Job: g.Job.ID, ID: request.ID})
		stop()
		if err == nil {
			request = out.Request
		} else if looking.Err() == nil {
			return request, err
		}
	}
	return request, ctx.Err()
}

// askLogin asks a person for a login, and waits.
func (g *Gateway) askLogin(ctx context.Context, r cellrpc.AskLogin) (any, error) {
	waiting, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	r.Why = string(g.patterns.Load().Redact([]byte(r.Why)))
	asked, err := g.Vault.AskLogin(waiting, &vaultrpc.AskLoginRequest{Job: g.Job.ID, AskLogin: r})
	if err != nil {
		return nil, err
	}
	request, err := g.decided(ctx, waiting, asked.Request)
	if err != nil {
		return nil, err
	}
	at := net.JoinHostPort(r.Origin.Host, strconv.Itoa(r.Origin.Port))
	out := cellrpc.Asked{Request: string(request.ID), State: string(request.State)}
	switch request.State {
	case hotcell.RequestApproved:
		if err := g.Widened(ctx); err != nil {
			return nil, err
		}
		out.Text = "there is a login for " + at + " now"
	case hotcell.RequestPending:
		out.Text = "nobody has answered yet: ask again to go on waiting"
	case hotcell.RequestRefused, hotcell.RequestExpired:
		out.Text = "it was refused: there is no login for " + at
	}
	return out, nil
}

// lookTime is how long the vault is asked to wait at a time.
const lookTime = 30 * time.Second

// learnWay finds out how a login of the job signs in, for a person who asks: nothing of
// it is sent.
func (g *Gateway) learnWay(w http.ResponseWriter, r *http.Request, client *http.Client, of hotcell.CredentialID) {
	rules := g.rules()
	at := slices.IndexFunc(rules.Uses, func(u hotcell.Use) bool { return u.As == hotcell.InjectLogin && u.Credential == of })
	if at < 0 {
		http.Error(w, "this login is not of the job", http.StatusConflict)
		return
	}
	use := rules.Uses[at]
	if err := g.report(hotcell.Event{Kind: "login.learn", Decision: hotcell.Allowed, Credential: of, Name: use.Name, Host: net.JoinHostPort(use.Login.Host, strconv.Itoa(use.Login.Port))}); err != nil {
		g.fail(w, err)
		return
	}
	origin := cellrpc.Origin{Host: use.Login.Host, Port: use.Login.Port, Plain: use.Login.Plain}
	question := cellrpc.LearnRequest{Origin: origin, Login: cellrpc.Login{
		Use: string(use.Attachment), Name: use.Name, Username: use.Login.Username, Password: use.Login.Password, OTP: use.Login.OTP, Digits: use.Login.Digits, Fill: use.Fill, Start: use.Login.Start,
	}}
	var learned cellrpc.Learned
	if err := askBrowser(r.Context(), client, cellrpc.PathLearn, question, &learned); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	step, err := g.proposed(&cellrpc.AskWay{Use: string(use.Attachment), Origin: origin, Page: learned.Page, Form: learned.Form})
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	answer(w, step)
}

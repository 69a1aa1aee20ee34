// Package call does the tool calls of jobs, in the vault's process: it looks at
// the grant, holds the arguments against the tool's schema and the attachment's
// rules, asks a person where that is wanted, has the token fresh, and then lets
// a courier do it with the connection's key.
//
// So an agent gets tools and their results, and no key. It guards that exactly
// the attached tools can be called, with arguments that the rules let through,
// and that what is approved is made once and as it was shown. What a service
// does with a call that was let through, it cannot know. One way to use it:
//
//	s := call.New(call.Config{Vault: door, Book: book, Keeper: keeper, Courier: courier, …})
//	answer, err := s.Call(ctx, request)
package call

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/border"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/value/tidy"
	"hotcell/internal/vault/internal/book"
	"hotcell/internal/vault/internal/courier"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/live"
	"hotcell/internal/wire/budget"
	"hotcell/internal/wire/scrub"
	"hotcell/internal/wire/upstream"
)

// Book knows what connections offer.
type Book interface {
	Of(ctx context.Context, ws hotcell.WorkspaceID, c hotcell.Credential) (*connector.Connector, error)
}

// Keeper keeps the tokens of connections fresh.
type Keeper interface {
	// Ensure returns nil where the newest token is good; refused is the version
	// that the service did not know, 0 for none.
	Ensure(ctx context.Context, ws hotcell.WorkspaceID, id hotcell.CredentialID, refused int) error
}

// Config is what a service needs.
type Config struct {
	Vault   *door.Vault
	Book    Book
	Keeper  Keeper
	Courier *courier.Courier
	// Upstreams keep the connections of the jobs' calls, each for one account; nil
	// for the courier's own.
	Upstreams *upstream.Pool
	// Reads begins to read what takes a library to read, where no key is; nil where
	// nobody does.
	Reads connector.Opener
	// Prints counts the values that a job can touch.
	Prints func(context.Context, hotcell.JobID) (int64, error)
	// Budget counts what each job has under way; nil for no limits.
	Budget *budget.Jobs
	// Guesses see jobs that guess values by what is redacted, whatever they use.
	Guesses *scrub.Guesses
	// Tidy is told when a value was in memory; nil for nobody.
	Tidy *tidy.Tidy
	Now  func() time.Time
	Log  *slog.Logger
}

// Service does calls.
type Service struct {
	Config
	live  *live.Jobs
	menus menus
	seen  patterns
	// suspects are the connections whose key a service did not take.
	suspects suspects
}

// New is a service; Close ends it.
func New(c Config) *Service {
	s := &Service{Config: c}
	s.live = live.Watch(c.Vault, s.over, border.Log(c.Log))
	c.Tidy.First(c.Courier.Rest)
	return s
}

// over closes the connections of a job that has ended.
func (s *Service) over(job hotcell.JobID) {
	if s.Upstreams != nil {
		s.Upstreams.End(job)
	}
}

// Close ends what is under way.
func (s *Service) Close() {
	s.live.Close()
	s.Courier.Rest()
}

// attempt is one call on its way.
type attempt struct {
	request *vaultrpc.CallToolRequest
	menu    *menu
	offer   *offer
	// raw are the tool's own arguments as they came, args what the schema made of
	// them.
	raw      json.RawMessage
	args     map[string]any
	approved hotcell.RequestID
	// id is what services may know the call by, however often it is sent.
	id string
	// good is true where the service does not let the call through and knows the key all
	// the same, told where it was asked whether it does, and unsaid where that brought no
	// answer.
	good, told, unsaid bool
}

// Call makes one call of a tool. What an agent can do something about is in the
// answer's error; what is wrong with the job itself is an error.
func (s *Service) Call(ctx context.Context, r *vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
	ctx, leave := s.live.Enter(ctx, r.Job)
	defer leave()
	over, err := s.Budget.Of(string(r.Job)).Wait(ctx, budget.Requests, 1)
	if err != nil {
		return nil, err
	}
	defer over()
	defer s.Tidy.Used()
	answer, err := s.call(ctx, r)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, live.ErrRevoked) {
		return nil, fmt.Errorf("%w: %w", hotcell.ErrDenied, cause)
	}
	if err != nil {
		told, failed := tell(err)
		if failed != nil {
			return nil, failed
		}
		answer = &vaultrpc.CallToolAnswer{Error: told}
	}
	if s.Prints != nil {
		answer.Prints, err = s.Prints(ctx, r.Job)
	}
	return answer, err
}

func (s *Service) call(ctx context.Context, r *vaultrpc.CallToolRequest) (*vaultrpc.CallToolAnswer, error) {
	m, err := s.menu(ctx, r.Job)
	if err != nil {
		return nil, err
	}
	a := &attempt{request: r, menu: m, id: hotcell.NewID(hotcell.PrefixRequest)}
	if err := s.Guesses.Pause(ctx, r.Job); errors.Is(err, hotcell.ErrDenied) {
		return nil, s.refuse(ctx, a, refused(codeRefused, "%s", sentence(err)))
	} else if err != nil {
		return nil, err
	}
	if err := s.decide(ctx, a); err != nil {
		return nil, err
	}
	if waits, err := s.approval(ctx, a); err != nil || waits != "" {
		return &vaultrpc.CallToolAnswer{Waits: waits}, err
	}
	result, err := s.perform(ctx, a)
	if err != nil {
		return nil, err
	}
	return answerOf(result)
}

// decide finds what is called, and holds the arguments against schema and rules.
// A refusal is recorded.
func (s *Service) decide(ctx context.Context, a *attempt) error {
	var fault *refusal
	if a.offer, a.raw, fault = a.menu.choose(a.request.Tool, a.request.Arguments); fault != nil {
		return s.refuse(ctx, a, fault)
	}
	var err error
	if a.args, err = a.offer.tool.Check(ctx, a.raw); err != nil {
		return s.refuse(ctx, a, unfit(err))
	}
	if len(a.offer.rules) > 0 || a.offer.approval {
		// Who decides must read the arguments that the service will read.
		if err := a.offer.tool.Exact(ctx, a.args); err != nil {
			return s.refuse(ctx, a, unfit(err))
		}
	}
	if fault := a.offer.ruled(ctx, a.args); fault != nil {
		return s.refuse(ctx, a, fault)
	}
	if fault := s.toModel(a); fault != nil {
		return s.refuse(ctx, a, fault)
	}
	if broken := a.offer.held.Refusal; broken != nil {
		return s.refuse(ctx, a, &refusal{code: codeReconnect, told: sentence(broken), recorded: sentence(broken)})
	}
	return nil
}

// refuse records a refusal, and returns it where that could be done.
func (s *Service) refuse(ctx context.Context, a *attempt, fault *refusal) error {
	use, tool := hotcell.Use{}, plainName(a.request.Tool)
	if a.offer != nil {
		use, tool = a.offer.held.Use, a.offer.tool.Name
	}
	if err := s.Vault.RefuseTool(ctx, a.menu.holding, use, tool, fault.recorded); !errors.Is(err, hotcell.ErrDenied) {
		return err
	}
	return fault
}

// perform makes the call with a token that is good, and once more where the
// service did not know it and nothing was done yet.
func (s *Service) perform(ctx context.Context, a *attempt) (*connector.Result, error) {
	c := &a.offer.held.Credential
	if err := s.fresh(ctx, a); err != nil {
		return nil, err
	}
	if a.approved != "" {
		if err := s.Vault.TakeCall(ctx, a.request.Job, a.approved, a.asked()); err != nil {
			return nil, denied(err)
		}
	}
	result, trip, version, err := s.trip(ctx, a)
	if err == nil || trip.Status != unauthorized {
		return result, err
	}
	if a.good { // the account itself says so: it is what this operation answers
		return nil, err
	}
	if !c.Renewed() {
		return nil, s.unknown(ctx, a, version, err)
	}
	failed := s.Keeper.Ensure(ctx, c.Workspace, c.ID, version)
	switch {
	case errors.Is(failed, door.ErrYoung):
		return nil, s.unknown(ctx, a, version, err)
	case failed != nil:
		return nil, failed
	case !trip.Refused:
		return nil, err
	}
	again, trip, version, err := s.trip(ctx, a)
	if err != nil && trip.Status == unauthorized && !a.good {
		err = s.unknown(ctx, a, version, err)
	}
	return again, err
}

// unknown is told where a service does not know a key that nobody here can renew, or
// one that it has just given: the connection is broken from then on.
func (s *Service) unknown(ctx context.Context, a *attempt, version int, cause error) error {
	failure, ok := errors.AsType[*connector.Failure](cause)
	if !ok {
		return cause
	}
	c := &a.offer.held.Credential
	if !s.suspects.guilty(a, version) {
		return cause
	}
	told := s.Vault.Break(ctx, c.Workspace, c.ID, version, door.Unknown)
	if told == nil { // it has another key by now, which a job to come will have
		told = fmt.Errorf("%w: the service does not take the key that the connection %q had when the job started", hotcell.ErrNeedsReconnect, a.offer.alias())
	}
	if !errors.Is(told, hotcell.ErrNeedsReconnect) || failure.Message == "" {
		return told
	}
	return fmt.Errorf("%w; the service says: %s", told, failure.Message)
}

// fresh sees to it that the connection's token is good. Nearly always there is
// nothing to do, which the vault remembers.
func (s *Service) fresh(ctx context.Context, a *attempt) error {
	c := &a.offer.held.Credential
	if c.Connected == nil || c.Connected.Broken == nil {
		if good, err := s.Vault.Fresh(ctx, a.request.Job, a.offer.held.Use.Attachment); err != nil || good {
			return err
		}
	}
	return s.Keeper.Ensure(ctx, c.Workspace, c.ID, 0)
}

// unauthorized is the status of a service that does not know the key (RFC 9110,
// section 15.5.2).
const unauthorized = 401

// trip opens the connection and makes the call once. It returns the version that
// it was made with.
func (s *Service) trip(ctx context.Context, a *attempt) (*connector.Result, courier.Trip, int, error) {
	o := a.offer
	used, err := s.Vault.UseTool(ctx, a.request.Job, o.held.Use.Attachment, o.tool.Name, o.host, o.port, a.approved)
	if err != nil {
		return nil, courier.Trip{}, 0, err
	}
	defer used.Clear()
	patterns, err := s.seen.of(used, o.auth)
	if err != nil {
		s.Vault.Done(used, "not sent", 0, 0)
		return nil, courier.Trip{}, used.Use.Version, denied(err)
	}
	began := s.Now()
	asked := s.Guesses.Begin(a.request.Job, a.offer.tool.Name+" "+string(a.raw))
	result, trip, err := s.send(ctx, a, used, patterns, asked)
	guessed := asked.Answered()
	if err == nil && result == nil {
		err = errStrange
	}
	if err != nil && !understood(err) {
		s.Log.Warn("what a service answered was not understood", "connector", o.connector.Slug, "tool", o.tool.Name)
		err = errStrange
	}
	if err != nil && trip.Status == unauthorized {
		s.suspect(ctx, a, used, patterns)
	} else if err == nil {
		s.suspects.clear(used.Use.Credential)
	}
	s.Vault.Done(used, cmp.Or(guessed, outcome(trip, err)), trip.Size, s.Now().Sub(began).Milliseconds())
	return result, trip, used.Use.Version, denied(err)
}

// send has the courier do it: the requests of the tool's document, or the call of
// a remote server's tool.
func (s *Service) send(ctx context.Context, a *attempt, used *door.Used, patterns *guard.Patterns, asked *scrub.Asked) (*connector.Result, courier.Trip, error) {
	o, key, by := a.offer, keyOf(used), s.Courier.Telling(asked.Told)
	if s.Upstreams != nil {
		by = by.Over(s.Upstreams.For(upstream.Holder{Job: a.request.Job, Of: string(used.Use.Credential), Version: used.Use.Version}))
	}
	by = by.Holding(s.holding(a.request.Job))
	if o.connector.Definition == book.MCP {
		return by.Ask(ctx, courier.Remote{URL: o.settings[settingURL], Tool: o.tool.Name, Args: a.args}, o.auth, key, patterns)
	}
	if s.Reads != nil {
		by = by.Reading(s.reading(a.request.Job))
	}
	run := o.tool.Begin(o.connector, connector.Input{
		Args: a.args, Settings: o.settings, AccountID: o.accountID, Account: o.account, Call: a.id, Now: s.Now(),
	})
	return by.Do(ctx, run, o.auth, key, patterns)
}

// settingURL says where an MCP server is.
const settingURL = "url"

// keyOf is the value that goes onto requests: the access token, else the key.
func keyOf(used *door.Used) (key sensitive.Bytes) {
	for _, f := range used.Fields {
		if f.Name == hotcell.FieldAccess {
			return f.Value
		}
		if f.Name == hotcell.FieldKey {
			key = f.Value
		}
	}
	return key
}

// Await waits until a job's request is decided, or ctx ends.
func (s *Service) Await(ctx context.Context, job hotcell.JobID, id hotcell.RequestID) (hotcell.Request, error) {
	return s.Vault.AwaitRequest(ctx, job, id)
}

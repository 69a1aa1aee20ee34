package door

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/wire/egress"
)

// Target is where a job's request goes.
type Target struct {
	Host string
	Port int
	// Method and URI are the request's, as it was written; empty for a connection
	// to a database.
	Method, URI string
	// Shown is the path with marks in the place of values, where it holds some.
	Shown string
}

// Used is a credential that is open for one request. Its holder clears it, and
// tells by [Vault.Done] how the request ended.
type Used struct {
	Use    hotcell.Use
	Fields []Field
	// Drill are the hosts of a drill's job.
	Drill *hotcell.Drill
	about hotcell.Event
	// asked is what was asked for: method and path; empty for what is no request.
	asked string
}

// Clear clears the values.
func (u *Used) Clear() { ClearFields(u.Fields) }

// Use opens the credential of one attachment for one request of a job: the
// grant must live and hold it, the attachment must allow this host, method and
// path, and the principal must be able to use the credential still. The use is
// in the audit log, durably, before the value is opened.
func (v *Vault) Use(ctx context.Context, job hotcell.JobID, attachment hotcell.AttachmentID, to Target) (*Used, error) {
	about := hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: "credential.use", Job: job, Via: "job", Host: fmt.Sprintf("%s:%d", to.Host, to.Port)}
	if err := v.pace(ctx, job); err != nil {
		return nil, err
	}
	found, err := v.granted(ctx, job, attachment)
	if err != nil {
		return nil, v.refused(ctx, about, gone(err, "there is no grant for this job"))
	}
	use := found.use
	host := about.Host
	about = v.ofGrant(string(use.Tier)+".use", found.grant)
	about.Host, about.Credential, about.Name, about.Decision = host, use.Credential, use.Name, hotcell.Allowed
	about.Reason = to.asked()
	if err := v.mayUse(found, to); err != nil {
		return nil, v.refusedFor(ctx, about, joined(about.Reason, why(err)), err)
	}
	if _, err := v.keys.Get(); err != nil {
		return nil, err // no use, so none is written down
	}
	if err := v.store.Record(ctx, about); err != nil {
		return nil, v.unrecorded(err)
	}
	fields, err := v.openSealed(found.credential, use.Version, found.key, found.fields)
	if err != nil {
		return nil, v.refused(ctx, about, err)
	}
	return &Used{Use: use, Fields: fields, Drill: found.grant.Drill, about: about, asked: about.Reason}, nil
}

// maxMethod is how much of a method an event names, in bytes.
const maxMethod = 32

// asked is what a request asks for, as the log may have it: method and path,
// without the query, and without values.
func (t Target) asked() string {
	if t.Method == "" {
		return ""
	}
	path, _, _ := strings.Cut(t.URI, "?")
	if t.Shown != "" {
		if !marked(t.Shown, path) {
			return PathText(t.Method[:min(len(t.Method), maxMethod)]) + " a path with a value in it"
		}
		path = t.Shown
	}
	return PathText(t.Method[:min(len(t.Method), maxMethod)]) + " " + PathText(path)
}

// marked says whether a text is another one with marks in the place of some of it:
// who may say what is written down must not say what was not asked for.
func marked(shown, whole string) bool {
	first := true
	for shown != "" {
		before, after, mark := strings.Cut(shown, "[hotcell:")
		at := strings.Index(whole, before)
		if at < 0 || first && at > 0 {
			return false
		}
		whole, first = whole[at+len(before):], false
		if !mark {
			return true
		}
		_, shown, _ = strings.Cut(after, "]")
	}
	return true
}

// joined is what was asked for, and what came of it.
func joined(asked, reason string) string {
	if asked == "" || reason == "" {
		return asked + reason
	}
	return asked + ": " + reason
}

func (v *Vault) mayUse(found *granted, to Target) error {
	if err := alive(found.grant, v.steady()); err != nil {
		return err
	}
	if found.refusal != nil {
		return found.refusal
	}
	use := &found.use
	switch {
	case !egress.Applies(use, to.Host, to.Port):
		return fmt.Errorf("%w: %s is not attached for this host", hotcell.ErrDenied, use.Name)
	case to.Method == "":
		return v.mayReach(found, to.Host, to.Port)
	}
	verdict := v.rules(found.grant, use).Request(to.Host, to.Port, to.Method, to.URI)
	switch {
	case !verdict.Allowed:
		return fmt.Errorf("%w: %s", hotcell.ErrDenied, verdict.Reason)
	case len(verdict.Uses) == 0: // the host is allowed, without this credential
		return fmt.Errorf("%w: %s", hotcell.ErrDenied, egress.Narrowed(use, to.Method, to.URI))
	}
	return v.mayReach(found, to.Host, to.Port)
}

// rules are what a job may reach with one use, as it is now.
func (v *Vault) rules(grant hotcell.Grant, use *hotcell.Use) egress.Rules {
	return egress.Rules{Uses: []hotcell.Use{*use}, Allow: grant.Allow, Models: v.models.With(grant.Drill)}
}

// Listed says what the operator's list of models says of a host.
func (v *Vault) Listed(host string, port int) (listed, declared bool) {
	return v.models.Listed(host, port)
}

// Model says whether a host is a model's for what a job holds; the error is a refusal
// where it is one that a use may not go to.
func (v *Vault) Model(held *Holding, use *hotcell.Use, host string, port int) (model bool, err error) {
	rules := v.rules(held.Grant, use)
	rules.Uses = append(rules.Uses, held.Grant.Uses...)
	model, _ = rules.Model(host, port)
	return model, undeclared(rules, host, port, use)
}

// mayReach refuses a model's host that nobody has declared to keep nothing, or that
// was declared for another account than the use is of. What else the job holds has a
// say in whether a host is a model's, and this use alone in whether it may go there.
func (v *Vault) mayReach(found *granted, host string, port int) error {
	rules := v.rules(found.grant, &found.use)
	rules.Uses = append(rules.Uses, found.grant.Uses...)
	return undeclared(rules, host, port, &found.use)
}

func undeclared(rules egress.Rules, host string, port int, use *hotcell.Use) error {
	if reason := rules.Undeclared(host, port, use); reason != "" {
		return fmt.Errorf("%w: %s", hotcell.ErrDenied, reason)
	}
	return nil
}

// alive says whether a job's grant lives now. That of an agent elsewhere ends by
// itself, whoever else watches over it.
func alive(grant hotcell.Grant, now time.Time) error {
	switch grant.State {
	case hotcell.GrantDead:
		return fmt.Errorf("%w: the job's grant is dead: %s", hotcell.ErrDenied, cmp.Or(grant.Reason, "the job has ended"))
	case hotcell.GrantLive:
		if grant.Expires != nil && !now.Before(*grant.Expires) {
			return fmt.Errorf("%w: the job's grant is dead: its time is over", hotcell.ErrDenied)
		}
		return nil
	case hotcell.GrantPending:
	}
	return fmt.Errorf("%w: the job has not started", hotcell.ErrDenied)
}

// Done records how a use ended, some time after: the use itself is recorded.
func (v *Vault) Done(u *Used, reason string, size, milliseconds int64) {
	e := u.about
	e.Kind, e.At, e.Reason, e.Size, e.Duration = string(u.Use.Tier)+".used", v.now(), joined(u.asked, reason), size, milliseconds
	if u.about.Kind == kindCall {
		e.Kind = kindCalled
	}
	v.outcomes.add(e)
}

// granted is what the store says of one attachment within a job's grant, with
// the credential as it is sealed.
type granted struct {
	grant      hotcell.Grant
	use        hotcell.Use
	credential hotcell.Credential
	key        hotcell.SealedKey
	fields     []hotcell.SealedField
	// refusal is why the principal may not use the credential any more.
	refusal error
}

// known remembers what the store said, until anything changes in it. It holds
// nothing that is not sealed.
type known struct {
	mu         sync.Mutex
	generation int64
	uses       map[hotcell.JobID]map[hotcell.AttachmentID]*granted
}

func (k *known) find(generation int64, job hotcell.JobID, attachment hotcell.AttachmentID) *granted {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.generation != generation {
		return nil
	}
	return k.uses[job][attachment]
}

func (k *known) keep(generation int64, job hotcell.JobID, found *granted) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.generation != generation || k.uses == nil {
		k.generation, k.uses = generation, map[hotcell.JobID]map[hotcell.AttachmentID]*granted{}
	}
	if k.uses[job] == nil {
		k.uses[job] = map[hotcell.AttachmentID]*granted{}
	}
	k.uses[job][found.use.Attachment] = found
}

// granted reads, or remembers, one use of a job's grant.
func (v *Vault) granted(ctx context.Context, job hotcell.JobID, attachment hotcell.AttachmentID) (*granted, error) {
	generation := v.store.generation()
	if found := v.known.find(generation, job, attachment); found != nil {
		return found, nil
	}
	found := &granted{}
	err := v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
		if found.grant, err = r.GrantOf(job); err != nil {
			return err
		}
		at := slices.IndexFunc(found.grant.Uses, func(u hotcell.Use) bool { return u.Attachment == attachment })
		if at < 0 {
			return fmt.Errorf("%w: the job's grant does not hold this attachment", hotcell.ErrDenied)
		}
		found.use = found.grant.Uses[at]
		if found.grant.State != hotcell.GrantLive {
			return nil // it says why not; versions may be gone already
		}
		if found.credential, err = usable(r, found.grant, found.use); errors.Is(err, hotcell.ErrDenied) {
			found.refusal = err
			return nil
		} else if err != nil {
			return err
		}
		found.use.Version, found.use.Model = versionOf(found.use, found.credential), found.credential.Model
		if err := existed(r, found.credential, found.use.Version); err != nil {
			return err
		}
		if found.credential.Renewed() {
			if err := newest(r, found.credential); err != nil {
				return err
			}
		}
		found.key, found.fields, err = sealed(r, found.credential, found.use.Version)
		return err
	})
	if err == nil {
		v.known.keep(generation, job, found)
	}
	return found, err
}

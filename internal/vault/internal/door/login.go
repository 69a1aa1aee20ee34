package door

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotcell"
)

// UseLogin opens a login for one use in a job's browser at exactly one site; kind
// is "login.use" where the vault itself puts its values onto a request, "login.fill"
// where they go into the browser, which the attachment must say. The use is in
// the audit log, durably, before a value is opened.
func (v *Vault) UseLogin(ctx context.Context, job hotcell.JobID, attachment hotcell.AttachmentID, kind string, at hotcell.Login, where string) (*Used, error) {
	about := hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: kind, Job: job, Via: "job", Host: net.JoinHostPort(at.Host, strconv.Itoa(at.Port))}
	found, err := v.granted(ctx, job, attachment)
	if err != nil {
		return nil, v.refused(ctx, about, gone(err, "there is no grant for this job"))
	}
	host := about.Host
	about = v.ofGrant(kind, found.grant)
	about.Host, about.Credential, about.Name, about.Decision = host, found.use.Credential, found.use.Name, hotcell.Allowed
	if err := cmp.Or(maySignIn(found, kind, at, v.steady()), v.mayReach(found, at.Host, at.Port)); err != nil {
		return nil, v.refused(ctx, about, err)
	}
	about.Reason = where
	if _, err := v.keys.Get(); err != nil {
		return nil, err // no use, so none is written down
	}
	if err := v.store.Record(ctx, about); err != nil {
		return nil, v.unrecorded(err)
	}
	fields, err := v.openSealed(found.credential, found.use.Version, found.key, found.fields)
	if err != nil {
		return nil, v.refused(ctx, about, err)
	}
	return &Used{Use: found.use, Fields: fields, Drill: found.grant.Drill, about: about}, nil
}

// LoginFill is the kind of a use that goes into the browser.
const LoginFill = "login.fill"

func maySignIn(found *granted, kind string, at hotcell.Login, now time.Time) error {
	if err := alive(found.grant, now); err != nil {
		return err
	}
	use := &found.use
	switch {
	case found.refusal != nil:
		return found.refusal
	case use.As != hotcell.InjectLogin || use.Login == nil:
		return fmt.Errorf("%w: %s is not attached as a login", hotcell.ErrDenied, use.Name)
	case !use.Login.Of(at.Host, at.Port, at.Plain):
		return fmt.Errorf("%w: the login %s is for another site", hotcell.ErrDenied, use.Name)
	case kind == LoginFill && slices.ContainsFunc(found.grant.Uses, func(u hotcell.Use) bool { return u.As == hotcell.InjectLogin && u.Evaluate }):
		return fmt.Errorf("%w: %s", hotcell.ErrDenied, hotcell.FillOrEvaluate)
	case kind == LoginFill && !use.Fill:
		return fmt.Errorf("%w: the login %s is attached so that the browser itself never has it: attach it with --fill for a site that computes on the password", hotcell.ErrDenied, use.Name)
	}
	return nil
}

// CheckLogin says whether a login could be used so now, and opens nothing.
func (v *Vault) CheckLogin(ctx context.Context, job hotcell.JobID, attachment hotcell.AttachmentID, at hotcell.Login) (hotcell.Use, error) {
	about := hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: "login.arm", Job: job, Via: "job", Host: net.JoinHostPort(at.Host, strconv.Itoa(at.Port))}
	found, err := v.granted(ctx, job, attachment)
	if err != nil {
		return hotcell.Use{}, v.refused(ctx, about, gone(err, "there is no grant for this job"))
	}
	if err := maySignIn(found, "", at, v.steady()); err != nil {
		about.Workspace, about.Credential, about.Name = found.grant.Workspace, found.use.Credential, found.use.Name
		return hotcell.Use{}, v.refused(ctx, about, err)
	}
	return withWay(found.use, found.credential), nil
}

// LoginsOf are a live job's logins for exactly this site. Where it has none,
// other says whether its principal has one that could be attached.
func (v *Vault) LoginsOf(ctx context.Context, job hotcell.JobID, at hotcell.Login) (uses []hotcell.Use, other bool, err error) {
	err = v.store.View(ctx, func(r hotcell.VaultReader) error {
		uses, other = nil, false
		grant, err := r.GrantOf(job)
		if err != nil {
			return gone(err, "there is no grant for this job")
		}
		if err := alive(grant, v.steady()); err != nil {
			return err
		}
		for _, use := range grant.Uses {
			if use.As != hotcell.InjectLogin || !use.Login.Of(at.Host, at.Port, at.Plain) {
				continue
			}
			if c, err := usable(r, grant, use); err == nil {
				uses = append(uses, withWay(use, c))
			}
		}
		if len(uses) > 0 {
			return nil
		}
		other, err = hasLogin(r, grant, at)
		return err
	})
	return uses, other, err
}

// hasLogin says whether a grant's principal knows of a login for a site.
func hasLogin(r hotcell.VaultReader, grant hotcell.Grant, at hotcell.Login) (bool, error) {
	filter, page := hotcell.CredentialFilter{Tier: hotcell.TierLogin, VisibleTo: grant.Principal}, hotcell.Page{Limit: hotcell.MaxPage}
	for {
		list, err := r.Credentials(grant.Workspace, filter, page)
		if err != nil {
			return false, err
		}
		for _, c := range list {
			if c.Login.Of(at.Host, at.Port, at.Plain) {
				return true, nil
			}
		}
		if len(list) < page.Limit {
			return false, nil
		}
		page.After = string(list[len(list)-1].ID)
	}
}

// AskLogin asks people for a login for a site, and returns at once. What was
// asked before in the same job is not asked again while it waits.
func (v *Vault) AskLogin(ctx context.Context, job hotcell.JobID, at hotcell.Login, why string) (q hotcell.Request, err error) {
	about := hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: "request.create", Job: job, Via: "job"}
	site := hotcell.Allow{Host: at.Host, Port: at.Port, Protocol: hotcell.ProtocolHTTPS}
	if at.Plain {
		return q, fmt.Errorf("%w: a site without TLS is signed in to with a login that is attached with --fill: nobody is asked for one", hotcell.ErrDenied)
	}
	err = v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		grant, err := w.GrantOf(job)
		if err != nil {
			return gone(err, "there is no grant for this job")
		}
		about = v.ofGrant(about.Kind, grant)
		about.Host = net.JoinHostPort(at.Host, strconv.Itoa(at.Port))
		if err := alive(grant, v.steady()); err != nil {
			return err
		}
		asked, err := w.Requests(grant.Workspace, hotcell.RequestFilter{Job: job}, hotcell.Page{Limit: hotcell.MaxPage})
		if err != nil {
			return err
		}
		pending, refused := 0, 0
		for _, old := range asked {
			if old = lapsed(old, v.now()); old.State == hotcell.RequestPending {
				pending++
			}
			if old.Kind != hotcell.RequestLogin || old.Allow != site {
				continue
			}
			if old.State == hotcell.RequestPending {
				q = old
				return nil
			}
			if refused++; old.State == hotcell.RequestRefused {
				q = old
				return nil // no is no, for this job
			}
		}
		if pending >= maxPending || refused >= maxPending {
			return fmt.Errorf("%w: the job has asked for much already: wait until somebody has decided", hotcell.ErrRateLimited)
		}
		q = hotcell.Request{
			ID: hotcell.RequestID(hotcell.NewID(hotcell.PrefixAsk)), Workspace: grant.Workspace, Kind: hotcell.RequestLogin, Job: job,
			Assignment: grant.Assignment, Member: grant.Principal, Allow: site, Why: plainWhy(why), State: hotcell.RequestPending, CreatedAt: v.now(),
		}
		about.Decision = hotcell.Allowed
		return errors.Join(w.PutRequest(q), w.Record(about))
	})
	if err != nil {
		return q, v.refused(ctx, about, err)
	}
	return q, nil
}

// maxPath is how much of a path is written down, in bytes.
const maxPath = 200

// PathText is a path as an event may name it: no query, nothing that is not to be
// seen, and cut.
func PathText(path string) string {
	path, _, _ = strings.Cut(path, "?")
	path = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, path)
	switch {
	case path == "":
		return "(a script)"
	case len(path) > maxPath:
		return path[:maxPath] + "…"
	}
	return path
}

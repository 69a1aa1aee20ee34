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
	"sync"
	"time"

	"hotcell"
)

// Held is one use of a job's grant, with the credential as it is now.
type Held struct {
	Use        hotcell.Use
	Credential hotcell.Credential
	// Refusal is why the job may not use it any more; nil where it may.
	Refusal error
}

// Holding is what a live job holds. It does not change: where anything in the
// store does, there is another one.
type Holding struct {
	Grant hotcell.Grant
	Uses  []Held
}

// holdings remember what jobs hold, until anything changes in the store. They
// hold no value, sealed or not.
type holdings struct {
	mu         sync.Mutex
	generation int64
	jobs       map[hotcell.JobID]*Holding
}

func (h *holdings) find(generation int64, job hotcell.JobID) *Holding {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.generation != generation {
		return nil
	}
	return h.jobs[job]
}

func (h *holdings) keep(generation int64, job hotcell.JobID, found *Holding) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.generation != generation || h.jobs == nil {
		h.generation, h.jobs = generation, map[hotcell.JobID]*Holding{}
	}
	h.jobs[job] = found
}

// Holding reads, or remembers, what a live job holds. It must not be changed.
func (v *Vault) Holding(ctx context.Context, job hotcell.JobID) (*Holding, error) {
	generation := v.store.generation()
	if found := v.holdings.find(generation, job); found != nil {
		return found, alive(found.Grant, v.steady())
	}
	found := &Holding{}
	err := v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
		found.Uses = nil
		if found.Grant, err = r.GrantOf(job); err != nil {
			return gone(err, "there is no grant for this job")
		}
		if err := alive(found.Grant, v.steady()); err != nil {
			return err
		}
		for _, use := range found.Grant.Uses {
			held := Held{Use: use}
			held.Credential, err = usable(r, found.Grant, use)
			if errors.Is(err, hotcell.ErrDenied) {
				held.Refusal = err
			} else if err != nil {
				return err
			}
			found.Uses = append(found.Uses, held)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	v.holdings.keep(generation, job, found)
	return found, nil
}

// UseTool opens the connection of one attachment for one call of a tool: the
// grant must live and hold it, the attachment must allow this tool, and the
// principal must be able to use the connection still. The call is in the audit
// log, durably, before a value is opened, with the request by which a person
// approved it. Host and port are where the call goes.
func (v *Vault) UseTool(ctx context.Context, job hotcell.JobID, attachment hotcell.AttachmentID, tool, host string, port int, approved hotcell.RequestID) (*Used, error) {
	about := hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: kindCall, Job: job, Via: "job", Host: net.JoinHostPort(host, strconv.Itoa(port))}
	if err := v.pace(ctx, job); err != nil {
		return nil, err
	}
	found, err := v.granted(ctx, job, attachment)
	if err != nil {
		return nil, v.refused(ctx, about, gone(err, "there is no grant for this job"))
	}
	to := about.Host
	about = v.ofCall(found.grant, found.use, tool)
	about.Host, about.Request, about.Decision = to, string(approved), hotcell.Allowed
	if err := cmp.Or(mayCall(found, tool, v.steady()), v.mayReach(found, host, port)); err != nil {
		return nil, v.refused(ctx, about, err)
	}
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

// RefuseTool records that a call of a tool was refused before anything was
// opened, and returns the refusal. The reason holds no argument.
func (v *Vault) RefuseTool(ctx context.Context, held *Holding, use hotcell.Use, tool, reason string) error {
	return v.refused(ctx, v.ofCall(held.Grant, use, tool), fmt.Errorf("%w: %s", hotcell.ErrDenied, reason))
}

// kindCall and kindCalled are the events of a call and of its end.
const (
	kindCall   = "connection.call"
	kindCalled = "connection.called"
)

func (v *Vault) ofCall(grant hotcell.Grant, use hotcell.Use, tool string) hotcell.Event {
	e := v.ofGrant(kindCall, grant)
	e.Credential, e.Name = use.Credential, callName(use.Name, tool)
	return e
}

// callName is how a call is written: connection and tool.
func callName(connection, tool string) string { return strings.TrimPrefix(connection+"/"+tool, "/") }

func mayCall(found *granted, tool string, now time.Time) error {
	if err := alive(found.grant, now); err != nil {
		return err
	}
	switch {
	case found.refusal != nil:
		return found.refusal
	case found.use.As != hotcell.InjectTools:
		return fmt.Errorf("%w: %s is not attached with tools", hotcell.ErrDenied, found.use.Name)
	case !slices.Contains(found.use.Tools, tool):
		return fmt.Errorf("%w: %s is attached without this tool", hotcell.ErrDenied, found.use.Name)
	}
	return nil
}

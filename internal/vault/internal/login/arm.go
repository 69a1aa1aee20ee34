package login

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/wire/wayin"
)

// armTime is how long what was armed waits for its request.
const armTime = 10 * time.Second

// arm is one substitution that waits.
type arm struct {
	id    string
	job   hotcell.JobID
	use   hotcell.AttachmentID
	at    hotcell.Login
	state cellrpc.ArmState
	// steps are the requests that it may go by, and no other.
	steps    []hotcell.WayStep
	username string
	// words are the stand-ins, by the field that they stand for.
	words map[string]string
	timer *time.Timer
	// changed is closed, and made anew, when the state is another.
	changed chan struct{}
}

// arms are those that wait, or did just now. They are in memory alone: a vault
// that starts anew has none.
type arms struct {
	mu sync.Mutex
	by map[string]*arm
}

var (
	standInPassword = regexp.MustCompile(`^[A-Za-z0-9._-]{10,64}$`)
	standInCode     = regexp.MustCompile(`^[0-9]{4,10}$`)
)

// At is a site as the browser's cell names it.
func At(o cellrpc.Origin) hotcell.Login {
	return hotcell.Login{Host: o.Host, Port: o.Port, Plain: o.Plain}
}

// Arm has the vault wait, for seconds, for the one request that holds a stand-in.
// What was armed for the job before is gone.
func (s *Service) Arm(ctx context.Context, job hotcell.JobID, r *cellrpc.ArmRequest) (*vaultrpc.ArmLoginAnswer, error) {
	use, err := s.Vault.CheckLogin(ctx, job, hotcell.AttachmentID(r.Use), At(r.Origin))
	if err != nil {
		return nil, err
	}
	words := map[string]string{}
	if r.Password != "" {
		words[hotcell.FieldPassword] = r.Password
	}
	if r.Code != "" {
		words[hotcell.FieldOTP] = r.Code
	}
	switch {
	case len(words) == 0, r.Password != "" && !standInPassword.MatchString(r.Password), r.Code != "" && !standInCode.MatchString(r.Code):
		return nil, hotcell.Invalid("/password", "a stand-in has 10 to 64 letters and digits; of a code, 4 to 10 digits")
	case r.Password != "" && !use.Login.Password, r.Code != "" && !use.Login.OTP:
		return nil, hotcell.Invalid("/password", "the login has no such value")
	case r.Origin.Plain:
		return nil, hotcell.Invalid("/origin", "a site without TLS is signed in to with --fill alone: the vault puts nothing onto its requests")
	}
	if r.Code != "" {
		if err := s.steps.wait(ctx, s, job, use); err != nil {
			return nil, err
		}
	}
	a := &arm{id: rand.Text(), job: job, use: use.Attachment, at: At(r.Origin), steps: use.Login.Way.Of(false), username: use.Login.Username, words: words, changed: make(chan struct{})}
	s.arms.put(a)
	return &vaultrpc.ArmLoginAnswer{ArmAnswer: cellrpc.ArmAnswer{ID: a.id}, Steps: a.steps}, nil
}

func (s *arms) put(a *arm) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, old := range s.by {
		if old.job == a.job {
			s.end(old)
			delete(s.by, id)
		}
	}
	s.by[a.id] = a
	a.timer = border.After(armTime, "the end of what was armed", border.Silent, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.end(a)
		// What became of it can still be asked for a while.
		border.After(armTime, "forgetting what was armed", border.Silent, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.by, a.id)
		})
	})
}

// end has nothing more be put for it. The caller holds the lock.
func (s *arms) end(a *arm) {
	if !a.state.Gone {
		a.state.Gone = true
		a.tell()
	}
}

func (a *arm) tell() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// Claim takes what a request's stand-ins stand for, each once, where the request is a
// step of the login's way in: where in its body the fields go. Nothing is opened yet.
func (s *Service) Claim(job hotcell.JobID, id string, use hotcell.AttachmentID, host string, port int, r wayin.Request) (wayin.Found, error) {
	s.arms.mu.Lock()
	defer s.arms.mu.Unlock()
	a := s.arms.by[id]
	if a == nil || a.job != job || a.use != use || a.state.Gone || !a.at.Of(host, port, false) {
		return nil, fmt.Errorf("%w: nothing is armed for this request", hotcell.ErrDenied)
	}
	r.Username = a.username
	found, _ := wayin.Match(a.steps, r, wayin.Words{Password: []byte(a.words[hotcell.FieldPassword]), Code: []byte(a.words[hotcell.FieldOTP])})
	for field := range found {
		delete(a.words, field)
		if field == hotcell.FieldOTP {
			a.state.Code = true
		} else {
			a.state.Password = true
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: the request is no step of the login's way in, or holds no stand-in that was not used", hotcell.ErrDenied)
	}
	a.tell()
	return found, nil
}

// Answered notes what the site answered. Where nothing more is to be put, what
// was armed is gone.
func (s *Service) Answered(id string, status int) {
	s.arms.mu.Lock()
	defer s.arms.mu.Unlock()
	if a := s.arms.by[id]; a != nil {
		a.state.Status = status
		if len(a.words) == 0 {
			a.state.Gone = true
		}
		a.tell()
	}
}

// Await returns when what was armed is gone, or ctx ends: then it says how it
// stands.
func (s *Service) Await(ctx context.Context, job hotcell.JobID, r *cellrpc.AwaitArmRequest) (*vaultrpc.AwaitArmAnswer, error) {
	for {
		s.arms.mu.Lock()
		a := s.arms.by[r.ID]
		if a == nil || a.job != job {
			s.arms.mu.Unlock()
			return &vaultrpc.AwaitArmAnswer{ArmState: cellrpc.ArmState{Gone: true}}, nil
		}
		if r.Cancel {
			s.arms.end(a)
		}
		state, changed := a.state, a.changed
		s.arms.mu.Unlock()
		if state.Gone || state.Status != 0 {
			return &vaultrpc.AwaitArmAnswer{ArmState: state}, nil
		}
		select {
		case <-ctx.Done():
			return &vaultrpc.AwaitArmAnswer{ArmState: state}, nil
		case <-changed:
		}
	}
}

package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
)

// errWrong is the one answer to whoever does not get in, whatever the reason.
var errWrong = fmt.Errorf("%w: the name or the password is not right", hotcell.ErrSignIn)

// errSlow is told of too many wrong answers.
var errSlow = fmt.Errorf("%w: too many have tried in vain to sign in there: try again in a minute", hotcell.ErrRateLimited)

// proof is what somebody sealed, opened.
type proof struct {
	password, before sensitive.Bytes
	invitation       hotcell.Bearer
	message          []byte
}

func (p *proof) clear() {
	p.password.Clear()
	p.before.Clear()
}

// open opens what was sealed for one purpose, to the account of a name as it was typed.
func (s *Service) open(name, field string, message []byte) (*proof, error) {
	home := s.vault.Local().Workspace
	in := parcel.Context{Workspace: string(home), Tier: vaultrpc.TierAccount, Item: name, Field: field}
	plain, err := s.vault.Receive(home, in, message)
	if err != nil {
		return nil, door.NotReceived(err, hotcell.Invalid("/message", "it was not sealed to this server's key: ask for the key again"))
	}
	defer plain.Clear()
	out := &proof{message: message}
	var said vaultrpc.Proof
	if err := plain.Use(func(b []byte) error { return json.Unmarshal(b, &said) }); err != nil {
		return nil, hotcell.Invalid("/message", "what was sealed is not what a person proves themselves by")
	}
	out.invitation = hotcell.Bearer(said.Invitation)
	if out.password, err = prepared(sensitive.New([]byte(said.Password))); err != nil {
		return nil, err
	}
	if said.Before == "" {
		return out, nil
	}
	out.before, err = prepared(sensitive.New([]byte(said.Before)))
	return out, err
}

// SignIn makes a session for whoever knows the password of an account.
func (s *Service) SignIn(ctx context.Context, r *vaultrpc.EnterRequest) (*vaultrpc.EnterAnswer, error) {
	name, err := Name(r.Name)
	if err != nil {
		return nil, err
	}
	p, err := s.open(r.Name, vaultrpc.FieldSignIn, r.Message)
	if err != nil {
		return nil, err
	}
	defer p.clear()
	person, members, err := s.prove(ctx, name, place{address: r.Address}, p.password)
	if err != nil {
		return nil, s.tellWrong(ctx, r, person, members, err)
	}
	return s.enter(ctx, r, p, person, nil)
}

// place is where somebody proves themselves: at an address, or within a session, which
// guesses from elsewhere do not slow.
type place struct {
	address string
	session hotcell.SessionID
}

// prove holds a password against the verifier of an account. It takes the same time where
// there is none. Who it would be is returned with an error, too: for the log alone.
func (s *Service) prove(ctx context.Context, name string, at place, password sensitive.Bytes) (person hotcell.Person, members []hotcell.Member, err error) {
	verifier, known := sensitive.Bytes{}, false
	err = s.vault.Recognise(ctx, func(r hotcell.VaultReader) error {
		person, err = r.PersonCalled(name)
		if errors.Is(err, hotcell.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if members, err = r.Memberships(person.ID); err != nil {
			return err
		}
		if known, err = s.signedInAt(r, person.ID, at); err != nil {
			return err
		}
		verifier, err = s.vault.Verifier(r, person.ID)
		if errors.Is(err, hotcell.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return person, members, err
	}
	defer verifier.Clear()
	tried, may := s.throttle.begin(name, at, known)
	if !may {
		return person, members, errSlow
	}
	nobody := verifier.Len() == 0
	if nobody {
		verifier = nobodys()
	}
	same, err := s.verifiers.check(ctx, password, verifier)
	switch {
	case err != nil:
		return person, members, err
	case !same || nobody || len(members) == 0:
		return person, members, errWrong
	}
	s.throttle.right(tried)
	return person, members, nil
}

// signedInAt says whether an account is signed in there.
func (s *Service) signedInAt(r hotcell.VaultReader, id hotcell.PersonID, at place) (bool, error) {
	if at.session != "" {
		return true, nil
	}
	all, err := r.Sessions(id)
	for _, one := range all {
		if at.address != "" && one.Address == at.address && !one.Over(s.now()) {
			return true, nil
		}
	}
	return false, err
}

// tellWrong tells the log of a try in vain: in the workspaces of the account, without a
// word of what was typed where there is none, since people type passwords there. What is
// throttled is not told one by one.
func (s *Service) tellWrong(ctx context.Context, r *vaultrpc.EnterRequest, person hotcell.Person, members []hotcell.Member, cause error) error {
	if !errors.Is(cause, errWrong) {
		return cause
	}
	about := hotcell.Event{Kind: "account.sign_in", Decision: hotcell.Refused, Via: "sign-in", Request: r.Request, Reason: "the password was not right, " + from(r)}
	if person.ID == "" {
		about.Workspace, about.Reason = s.vault.Local().Workspace, "there is no such account, "+from(r)
		return errors.Join(cause, s.vault.Tell(ctx, about))
	}
	return errors.Join(cause, s.vault.Tell(ctx, inEach(members, about)...))
}

func from(r *vaultrpc.EnterRequest) string {
	if r.Address == "" {
		return "from this machine"
	}
	return "from " + r.Address
}

// inEach is an event in each workspace that somebody is in.
func inEach(members []hotcell.Member, about hotcell.Event) (out []hotcell.Event) {
	for _, m := range members {
		about.Workspace, about.Member = m.Workspace, m.ID
		out = append(out, about)
	}
	return out
}

// enter makes the session of somebody who has proven who they are; also is done with it.
func (s *Service) enter(ctx context.Context, r *vaultrpc.EnterRequest, p *proof, person hotcell.Person, also func(*door.Entry) error) (*vaultrpc.EnterAnswer, error) {
	now := s.now()
	bearer := hotcell.NewBearer(hotcell.BearerSession)
	out := &vaultrpc.EnterAnswer{Person: person, Session: hotcell.Session{
		ID: hotcell.SessionID(hotcell.NewID(hotcell.PrefixSession)), Person: person.ID, Device: device(r.Device), Address: r.Address,
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(hotcell.SessionTime),
	}}
	out.Principal.Bearer = bearer
	err := s.vault.Enter(ctx, func(e *door.Entry) error {
		if err := s.vault.See(e, p.message); errors.Is(err, hotcell.ErrConflict) {
			return fmt.Errorf("%w: this was sent before: sign in anew", hotcell.ErrSignIn)
		} else if err != nil {
			return err
		}
		if also != nil {
			if err := also(e); err != nil {
				return err
			}
		}
		all, err := e.Sessions(person.ID)
		if err != nil {
			return err
		}
		if out.Members, err = e.Memberships(person.ID); err != nil {
			return err
		}
		about := hotcell.Event{Kind: "account.sign_in", Decision: hotcell.Allowed, Via: "sign-in", Request: r.Request, Name: person.Name, Reason: from(r) + familiar(all, r)}
		for _, one := range inEach(out.Members, about) {
			if err := e.Note(one); err != nil {
				return err
			}
		}
		return e.PutSession(bearer.Sum(), out.Session)
	})
	if err != nil {
		return nil, err
	}
	s.known.forget()
	return out, nil
}

// familiar says of a device that it was not seen before.
func familiar(sessions []hotcell.Session, r *vaultrpc.EnterRequest) string {
	for _, s := range sessions {
		if s.Device == device(r.Device) {
			return ""
		}
	}
	return ", by a device that was not signed in"
}

// mostDevice bounds, in characters, what a program calls itself.
const mostDevice = 64

// device is what a program calls itself, in one line.
func device(said string) string {
	said = strings.Join(strings.Fields(strings.ToValidUTF8(said, "")), " ")
	if utf8.RuneCountInString(said) > mostDevice {
		said = string([]rune(said)[:mostDevice])
	}
	if said == "" {
		return "unknown"
	}
	return said
}

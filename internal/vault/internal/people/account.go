package people

import (
	"context"
	"errors"
	"fmt"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/door"
)

// errOwn is told of who has no account.
var errOwn = fmt.Errorf("%w: you have no account as yet: give yourself a name and a password by hotcell auth password", hotcell.ErrConflict)

// Account says who is signed in.
func (s *Service) Account(ctx context.Context, p hotcell.Principal) (*vaultrpc.AccountAnswer, error) {
	out := &vaultrpc.AccountAnswer{Token: p.Token}
	return out, s.vault.Recognise(ctx, func(r hotcell.VaultReader) (err error) {
		if out.Member, err = r.Member(p.Workspace, p.Member); err != nil {
			return err
		}
		out.Members = []hotcell.Member{out.Member}
		if out.Member.Person == "" {
			return nil
		}
		person, err := r.Person(out.Member.Person)
		if err != nil {
			return err
		}
		out.Person = &person
		if p.Token != nil {
			return nil // it is good for one workspace
		}
		if out.Members, err = r.Memberships(person.ID); err != nil || p.Session == "" {
			return err
		}
		sessions, err := r.Sessions(person.ID)
		for _, one := range sessions {
			if one.ID == p.Session {
				out.Session = &one
			}
		}
		return err
	})
}

// person finds the account of whoever asks.
func person(r hotcell.VaultReader, p hotcell.Principal) (hotcell.Person, error) {
	m, err := r.Member(p.Workspace, p.Member)
	if err != nil {
		return hotcell.Person{}, err
	}
	if m.Person == "" {
		return hotcell.Person{}, errOwn
	}
	return r.Person(m.Person)
}

// SetPassword sets another password, and ends all sessions but the one in use. Whoever is
// signed in says the one so far; the data folder's owner, whom the kernel vouches for, need
// not, and makes their account by it.
func (s *Service) SetPassword(ctx context.Context, r *vaultrpc.SetPasswordRequest) (*vaultrpc.AccountAnswer, error) {
	name, err := Name(r.Name)
	if err != nil {
		return nil, err
	}
	p, err := s.open(r.Name, vaultrpc.FieldPassword, r.Message)
	if err != nil {
		return nil, err
	}
	defer p.clear()
	if err := choose(p.password, name); err != nil {
		return nil, err
	}
	local := r.Principal.Session == ""
	if !local {
		if _, _, err := s.prove(ctx, name, place{session: r.Principal.Session}, p.before); errors.Is(err, errWrong) {
			return nil, fmt.Errorf("%w: the password so far is not right", hotcell.ErrDenied)
		} else if err != nil {
			return nil, err
		}
	}
	verifier, err := s.verifiers.new(ctx, p.password)
	if err != nil {
		return nil, err
	}
	defer verifier.Clear()
	err = s.vault.Enter(ctx, func(e *door.Entry) error {
		if err := s.vault.See(e, p.message); err != nil {
			return err
		}
		who, err := s.owned(e, r.Principal, name)
		if err != nil {
			return err
		}
		who.PasswordAt = s.now()
		if err := errors.Join(e.PutPerson(who), s.vault.PutVerifier(e, who.ID, verifier), endOthers(e, who.ID, r.Principal.Session)); err != nil {
			return err
		}
		members, err := e.Memberships(who.ID)
		for _, one := range inEach(members, hotcell.Event{Kind: "account.password", Decision: hotcell.Allowed, Via: r.Principal.Via, Request: r.Principal.Request, Name: who.Name}) {
			err = errors.Join(err, e.Note(one))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.known.forget()
	return s.Account(ctx, r.Principal)
}

// owned finds the account of whoever asks, by its name, or makes the first of the data
// folder's owner.
func (s *Service) owned(e *door.Entry, p hotcell.Principal, name string) (hotcell.Person, error) {
	who, err := person(e, p)
	switch {
	case err == nil && who.Name != name:
		return who, hotcell.Invalid("/name", "your account has another name")
	case !errors.Is(err, errOwn):
		return who, err
	}
	m, err := e.Member(p.Workspace, p.Member)
	if err != nil {
		return who, err
	}
	who = hotcell.Person{ID: hotcell.PersonID(hotcell.NewID(hotcell.PrefixPerson)), Name: name, CreatedAt: s.now()}
	if err := e.PutPerson(who); err != nil {
		return who, taken(err)
	}
	m.Person = who.ID
	return who, e.PutMember(m)
}

// taken tells of a name that is another's.
func taken(err error) error {
	if errors.Is(err, hotcell.ErrConflict) {
		return fmt.Errorf("%w: there is an account of this name", hotcell.ErrConflict)
	}
	return err
}

// endOthers ends all sessions of somebody but one.
func endOthers(e *door.Entry, id hotcell.PersonID, but hotcell.SessionID) error {
	all, err := e.Sessions(id)
	for _, one := range all {
		if one.ID != but {
			err = errors.Join(err, e.DeleteSession(id, one.ID))
		}
	}
	return err
}

// Sessions lists the sessions of whoever asks.
func (s *Service) Sessions(ctx context.Context, p hotcell.Principal) (*vaultrpc.SessionsAnswer, error) {
	out := &vaultrpc.SessionsAnswer{Sessions: []hotcell.Session{}}
	return out, s.vault.Recognise(ctx, func(r hotcell.VaultReader) error {
		who, err := person(r, p)
		if err != nil {
			return err
		}
		all, err := r.Sessions(who.ID)
		for _, one := range all {
			if !one.Over(s.now()) {
				out.Sessions = append(out.Sessions, one)
			}
		}
		return err
	})
}

// EndSession ends one of one's own sessions, or all but the one in use. SignOut ends that.
func (s *Service) EndSession(ctx context.Context, p hotcell.Principal, id hotcell.SessionID) error {
	return s.end(ctx, p, func(e *door.Entry, who hotcell.Person) error {
		if id == "" {
			return endOthers(e, who.ID, p.Session)
		}
		return e.DeleteSession(who.ID, id)
	})
}

// SignOut ends the session in use.
func (s *Service) SignOut(ctx context.Context, p hotcell.Principal) error {
	if p.Session == "" {
		return fmt.Errorf("%w: this is no session", hotcell.ErrConflict)
	}
	return s.end(ctx, p, func(e *door.Entry, who hotcell.Person) error { return e.DeleteSession(who.ID, p.Session) })
}

func (s *Service) end(ctx context.Context, p hotcell.Principal, fn func(*door.Entry, hotcell.Person) error) error {
	err := s.vault.Enter(ctx, func(e *door.Entry) error {
		who, err := person(e, p)
		if err != nil {
			return err
		}
		if err := fn(e, who); err != nil {
			return err
		}
		return e.Note(hotcell.Event{Workspace: p.Workspace, Member: p.Member, Kind: "account.sign_out", Decision: hotcell.Allowed, Via: p.Via, Request: p.Request, Name: who.Name})
	})
	s.known.forget()
	return err
}

// Package login is tier 2 in the vault's process: logins of websites, kept
// sealed, and put by the vault onto the one request that signs a job's browser in.
//
// It guards that a login goes to its exact site only, once for each sign-in and
// within seconds of it, that a one-time code is given once, and that its secret
// never leaves the vault. What a site does with a password that it is sent, it
// cannot know. One way to use it:
//
//	s := login.New(login.Config{Vault: door, …})
//	made, err := s.Create(ctx, request)
//	armed, err := s.Arm(ctx, job, request)
package login

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/site"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/otp"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
)

// Config is what the tier needs.
type Config struct {
	Vault *door.Vault
	// Advise says of a host whether there is a more protected way; nil for none.
	Advise func(host string) *vaultrpc.Advice
	Now    func() time.Time
}

// Service does what people and jobs ask of logins.
type Service struct {
	Config
	arms  arms
	steps steps
}

// New is the tier behind the door.
func New(c Config) *Service {
	return &Service{Config: c, arms: arms{by: map[string]*arm{}}, steps: steps{used: map[hotcell.CredentialID]int64{}}}
}

// Create makes a login from values that were sealed to the vault's key.
func (s *Service) Create(ctx context.Context, r *vaultrpc.CreateLoginRequest) (*vaultrpc.CredentialAnswer, error) {
	d, err := s.draft(r)
	if err != nil {
		return nil, err
	}
	defer d.clear()
	see := func(a *door.Act) error { return s.see(a, d) }
	if r.Request == "" {
		err = s.Vault.CreateCredential(ctx, r.Principal, d.credential, d.fields, see)
	} else {
		err = s.Vault.CreateAnswer(ctx, r.Principal, d.credential, d.fields, see, r.Request, r.Standing)
	}
	if err != nil {
		return nil, err
	}
	out := &vaultrpc.CredentialAnswer{Credential: d.credential}
	if s.Advise != nil {
		if advice := s.Advise(d.credential.Login.Host); advice != nil {
			out.Advice = append(out.Advice, *advice)
		}
	}
	return out, nil
}

// draft is a login that is about to be made.
type draft struct {
	credential hotcell.Credential
	fields     []door.Field
	messages   [][]byte
	// into is a login that gets the fields, of an import.
	into hotcell.CredentialID
}

func (d *draft) clear() { door.ClearFields(d.fields) }

// draft reads a request.
func (s *Service) draft(r *vaultrpc.CreateLoginRequest) (*draft, error) {
	where, err := site.Login(r.Site)
	if err != nil {
		return nil, err
	}
	if err := hotcell.CheckUsername(r.Username); err != nil {
		return nil, err
	}
	where.Username = r.Username
	name := r.Name
	if name == "" {
		name = site.NameLogin(where)
	}
	if err := hotcell.CheckName(name); err != nil {
		return nil, err
	}
	d := &draft{credential: hotcell.Credential{
		ID: hotcell.CredentialID(hotcell.NewID(hotcell.PrefixLogin)), Workspace: r.Principal.Workspace, Tier: hotcell.TierLogin, Name: name,
		Owner: r.Principal.Member, Shared: r.Shared, Login: &where, Version: 1, Revision: 1, CreatedAt: s.Now(), UpdatedAt: s.Now(),
	}}
	item := r.Item
	if item == "" {
		item = name
	}
	if err := s.receive(r.Principal, item, r.Fields, d); err != nil {
		d.clear()
		return nil, err
	}
	return d, describe(d.credential.Login, d.fields)
}

// receive opens what the caller sealed; item is what it was sealed for.
func (s *Service) receive(p hotcell.Principal, item string, sealed []vaultrpc.SealedVariable, d *draft) error {
	for i, v := range sealed {
		pointer := fmt.Sprintf("/fields/%d", i)
		if v.Name != hotcell.FieldPassword && v.Name != hotcell.FieldOTP || has(d.fields, v.Name) {
			return hotcell.Invalid(pointer, "a login has a password and the secret of its one-time codes, each once")
		}
		in := parcel.Context{Workspace: string(p.Workspace), Tier: string(hotcell.TierLogin), Item: item, Field: v.Name}
		value, err := s.Vault.Receive(p.Workspace, in, v.Message)
		if err != nil {
			return door.NotReceived(err, hotcell.Invalid(pointer, "this value was not sealed to the vault's key for this workspace, login and field"))
		}
		if v.Name == hotcell.FieldOTP {
			value, err = canonical(value)
		} else {
			err = typed(value, pointer)
		}
		if err != nil {
			value.Clear()
			return err
		}
		d.fields = append(d.fields, door.Field{Name: v.Name, Value: value})
		d.messages = append(d.messages, v.Message)
	}
	return nil
}

// typed refuses a password that no field takes.
func typed(value sensitive.Bytes, pointer string) error {
	err := value.Use(hotcell.CheckPassword)
	if field, ok := errors.AsType[*hotcell.FieldError](err); ok {
		return hotcell.Invalid(pointer, "%s", field.Reason)
	}
	return err
}

// canonical is a one-time-code secret in the form in which it is kept.
func canonical(value sensitive.Bytes) (out sensitive.Bytes, err error) {
	defer value.Clear()
	err = value.Use(func(b []byte) error {
		secret, err := otp.Parse(b)
		if err != nil {
			return err
		}
		defer secret.Key.Clear()
		out = secret.Marshal()
		return nil
	})
	return out, err
}

func has(fields []door.Field, name string) bool {
	for _, f := range fields {
		if f.Name == name {
			return true
		}
	}
	return false
}

// digitsOf is how many digits the codes of a secret have.
func digitsOf(b []byte) (int, error) {
	secret, err := otp.Parse(b)
	if err != nil {
		return 0, err
	}
	defer secret.Key.Clear()
	return secret.Digits, nil
}

// describe is what may be said of the fields.
func describe(l *hotcell.Login, fields []door.Field) error {
	l.Password, l.OTP, l.Unguarded = has(fields, hotcell.FieldPassword), has(fields, hotcell.FieldOTP), ""
	if !l.Password && !l.OTP {
		return hotcell.Invalid("/fields", "a login has a password, a one-time-code secret, or both")
	}
	l.Digits = 0
	for _, f := range fields {
		if f.Name == hotcell.FieldOTP {
			if err := f.Value.Use(func(b []byte) (err error) { l.Digits, err = digitsOf(b); return err }); err != nil {
				return err
			}
		}
		if f.Name != hotcell.FieldPassword {
			continue
		}
		_ = f.Value.Use(func(b []byte) error {
			if err := guard.Guardable(b); err != nil {
				l.Unguarded = err.Error()
			}
			return nil
		})
	}
	return nil
}

// see refuses a message that came in before.
func (s *Service) see(a *door.Act, d *draft) error {
	for _, message := range d.messages {
		if err := a.See(a.Caller.Workspace, parcel.Hash(message), s.Now()); err != nil {
			return fmt.Errorf("the sealed value was sent before: seal it anew: %w", err)
		}
	}
	return nil
}

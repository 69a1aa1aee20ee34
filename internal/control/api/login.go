package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/site"
)

// LoginValues are those of a login: sealed, or in plain.
type LoginValues struct {
	Sealed   []sealedVariable `json:"sealed,omitempty" doc:"password and otp, each sealed to the workspace's public key"`
	Password string           `json:"password,omitempty" doc:"in plain, sealed when it arrives: it passes through this process's memory"`
	OTP      string           `json:"otp,omitempty" doc:"the secret of one-time codes, base32 or an otpauth URI; as password"`
}

// LoginDraft is a login to be made.
type LoginDraft struct {
	Name     string `json:"name,omitempty" doc:"its site and user name when it is not given; values are sealed for this name"`
	Site     string `json:"site" doc:"a URL or a host: one host and one port exactly"`
	Username string `json:"username,omitempty"`
	Shared   bool   `json:"shared,omitempty"`
	LoginValues
}

// ImportDraft is one login of an import.
type ImportDraft struct {
	LoginDraft
	Into string `json:"into,omitempty" doc:"a login that gets the values instead, which it does not have yet; they are sealed for this id"`
}

type createLogin struct {
	Body struct {
		LoginDraft
		Request  string `json:"request,omitempty" doc:"the request of a job that this answers: the job gets the login at once"`
		Standing bool   `json:"standing,omitempty" doc:"attach it to the job's assignment as well"`
	}
}

type changeLogin struct {
	Known
	ID   string `path:"id"`
	Body struct {
		Name     *string           `json:"name,omitempty"`
		Username *string           `json:"username,omitempty"`
		Unset    []string          `json:"unset,omitempty" doc:"password or otp"`
		Start    *string           `json:"start,omitempty" doc:"another address of the page to sign in on: a URL of its site, or a path"`
		Forget   bool              `json:"forget_way,omitempty" doc:"leave out the steps that there were"`
		Steps    []hotcell.WayStep `json:"steps,omitempty" doc:"requests that may have the login, beside those that there are"`
		LoginValues
	}
}

type importLogins struct {
	Body struct {
		Logins []ImportDraft `json:"logins"`
		Skip   bool          `json:"skip_existing,omitempty" doc:"leave out those that there are already, by site and user name; else one of them refuses all"`
	}
}

type importedLogins struct {
	Body struct {
		Made    []hotcell.Credential `json:"made"`
		Changed []hotcell.Credential `json:"changed,omitempty" doc:"those that got values"`
		// There are indexes into what came in.
		There []int `json:"there,omitempty" doc:"those that were there already, counted from 0"`
	}
}

func (s *service) logins(api huma.API) {
	operation(s, api, http.MethodPost, "/v1/logins", "create-login", "Create a login of a website", http.StatusCreated, s.createLogin)
	operation(s, api, http.MethodPatch, "/v1/logins/{id}", "change-login", "Change some of a login; its site stays", http.StatusOK, s.changeLogin)
	operation(s, api, http.MethodPost, "/v1/logins/import", "import-logins", "Create many logins, all or none", http.StatusCreated, s.importLogins)
	s.credentials(api, "/v1/logins", hotcell.TierLogin, hotcell.PrefixLogin, "password and codes")
}

// itemName is what a login's values are sealed for: its name, or the one that it
// gets.
func (d *LoginDraft) itemName() (string, error) {
	if d.Name != "" {
		return d.Name, nil
	}
	at, err := site.Login(d.Site)
	if err != nil {
		return "", err
	}
	at.Username = d.Username
	return site.NameLogin(at), nil
}

func (s *service) loginRequest(ctx context.Context, p hotcell.Principal, d *LoginDraft) (*vaultrpc.CreateLoginRequest, error) {
	name, err := d.itemName()
	if err != nil {
		return nil, err
	}
	fields, err := s.sealLogin(ctx, p, name, d.LoginValues)
	if err != nil {
		return nil, err
	}
	return &vaultrpc.CreateLoginRequest{By: vaultrpc.As(p), Name: name, Shared: d.Shared, Site: d.Site, Username: d.Username, Fields: fields}, nil
}

// sealLogin seals values that came in plain.
func (s *service) sealLogin(ctx context.Context, p hotcell.Principal, of string, v LoginValues) (out []vaultrpc.SealedVariable, err error) {
	for _, sealed := range v.Sealed {
		out = append(out, vaultrpc.SealedVariable{Name: sealed.Name, Message: sealed.Sealed})
	}
	if v.Password == "" && v.OTP == "" {
		return out, nil
	}
	seal, err := s.sealer(ctx, p, hotcell.TierLogin, of)
	if err != nil {
		return nil, err
	}
	for _, one := range []struct{ name, value string }{{hotcell.FieldPassword, v.Password}, {hotcell.FieldOTP, v.OTP}} {
		if one.value == "" {
			continue
		}
		message, err := seal(one.name, one.value)
		if err != nil {
			return nil, err
		}
		out = append(out, vaultrpc.SealedVariable{Name: one.name, Message: message})
	}
	return out, nil
}

func (s *service) createLogin(ctx context.Context, p hotcell.Principal, in *createLogin) (*item[credentialBody], error) {
	r, err := s.loginRequest(ctx, p, &in.Body.LoginDraft)
	if err != nil {
		return nil, err
	}
	r.Request, r.Standing = hotcell.RequestID(in.Body.Request), in.Body.Standing
	return credentialItem(s.Vault.CreateLogin(ctx, r))
}

func (s *service) changeLogin(ctx context.Context, p hotcell.Principal, in *changeLogin) (*item[credentialBody], error) {
	revision, err := in.revision()
	if err == nil {
		err = check(in.ID, hotcell.PrefixLogin)
	}
	if err != nil {
		return nil, err
	}
	set, err := s.sealLogin(ctx, p, in.ID, in.Body.LoginValues)
	if err != nil {
		return nil, err
	}
	return credentialItem(s.Vault.ChangeLogin(ctx, &vaultrpc.ChangeLoginRequest{
		By: vaultrpc.As(p), ID: hotcell.CredentialID(in.ID), Revision: revision, Name: in.Body.Name, Username: in.Body.Username, Set: set, Unset: in.Body.Unset,
		Start: in.Body.Start, Forget: in.Body.Forget, Steps: in.Body.Steps,
	}))
}

// importRequest is one of an import, as the vault takes it.
func (s *service) importRequest(ctx context.Context, p hotcell.Principal, d *ImportDraft) (*vaultrpc.CreateLoginRequest, error) {
	if d.Into == "" {
		return s.loginRequest(ctx, p, &d.LoginDraft)
	}
	if err := check(d.Into, hotcell.PrefixLogin); err != nil {
		return nil, err
	}
	fields, err := s.sealLogin(ctx, p, d.Into, d.LoginValues)
	return &vaultrpc.CreateLoginRequest{By: vaultrpc.As(p), Into: hotcell.CredentialID(d.Into), Fields: fields}, err
}

func (s *service) importLogins(ctx context.Context, p hotcell.Principal, in *importLogins) (*importedLogins, error) {
	r := &vaultrpc.ImportLoginsRequest{By: vaultrpc.As(p), Skip: in.Body.Skip}
	for i := range in.Body.Logins {
		one, err := s.importRequest(ctx, p, &in.Body.Logins[i])
		if err != nil {
			return nil, fmt.Errorf("login %d: %w", i+1, err)
		}
		r.Logins = append(r.Logins, *one)
	}
	answer, err := s.Vault.ImportLogins(ctx, r)
	if err != nil {
		return nil, err
	}
	out := &importedLogins{}
	out.Body.Made, out.Body.Changed, out.Body.There = answer.Made, answer.Changed, answer.There
	return out, nil
}

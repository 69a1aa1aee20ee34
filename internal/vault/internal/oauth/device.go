package oauth

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"hotcell/internal/catalog/connector"
	"hotcell/internal/value/sensitive"
)

// Device is an authorisation by a code that a person types in elsewhere.
type Device struct {
	// Code is this side's secret; User is what the person types in at URL.
	Code     sensitive.Bytes
	User     string
	URL      string
	Expires  time.Time
	Interval time.Duration
}

// StartDevice begins one (RFC 8628 section 3.1). The caller clears its code.
func (s *Service) StartDevice(ctx context.Context, a *connector.Auth, c Client, scopes []string) (*Device, error) {
	form := url.Values{"client_id": {c.ID}}
	if len(scopes) > 0 {
		form.Set("scope", strings.Join(scopes, separator(a)))
	}
	body, err := s.post(ctx, a, c, a.Device, form)
	if err != nil {
		return nil, err
	}
	defer sensitive.Wipe(body)
	var answer struct {
		DeviceCode      string `json:"device_code"`
		UserCode        string `json:"user_code"`
		VerificationURI string `json:"verification_uri"`
		VerificationURL string `json:"verification_url"`
		ExpiresIn       int64  `json:"expires_in"`
		Interval        int64  `json:"interval"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.DeviceCode == "" || answer.UserCode == "" || len(answer.UserCode) > 64 {
		return nil, &Fault{Kind: Refused, Code: "what is no device code"}
	}
	at := answer.VerificationURI
	if at == "" {
		at = answer.VerificationURL
	}
	if u, err := url.Parse(at); err != nil || u.Scheme != "https" && !loopback(u.Hostname()) || u.User != nil || len(at) > 500 {
		return nil, &Fault{Kind: Refused, Code: "an address that nobody should open"}
	}
	life := time.Duration(min(max(answer.ExpiresIn, 60), 3600)) * time.Second
	return &Device{
		Code: sensitive.New([]byte(answer.DeviceCode)), User: answer.UserCode, URL: at,
		Expires: s.Now().Add(life), Interval: time.Duration(min(max(answer.Interval, 5), 60)) * time.Second,
	}, nil
}

// PollDevice asks whether the person has decided (RFC 8628 section 3.4): a fault
// of the kind [Waiting] where not yet.
func (s *Service) PollDevice(ctx context.Context, a *connector.Auth, c Client, code sensitive.Bytes) (out *Tokens, err error) {
	err = code.Use(func(b []byte) (err error) {
		form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {string(b)}, "client_id": {c.ID}}
		out, err = s.tokens(ctx, a, c, form)
		return err
	})
	return out, err
}

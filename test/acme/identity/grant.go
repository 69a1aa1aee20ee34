package identity

import (
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// grant is what somebody allows a client: first a request, then a family of
// refresh tokens.
type grant struct {
	id, client, subject string
	request             oidc.AuthRequest
	scopes              []string
	done, ended         bool
	at                  time.Time
	// tokens are the refresh tokens of this grant, each with the one that came after.
	tokens map[string]string
}

func (g *grant) GetID() string                      { return g.id }
func (g *grant) GetACR() string                     { return "" }
func (g *grant) GetAMR() []string                   { return nil }
func (g *grant) GetAudience() []string              { return []string{g.client} }
func (g *grant) GetAuthTime() time.Time             { return g.at }
func (g *grant) GetClientID() string                { return g.client }
func (g *grant) GetNonce() string                   { return g.request.Nonce }
func (g *grant) GetRedirectURI() string             { return g.request.RedirectURI }
func (g *grant) GetResponseType() oidc.ResponseType { return g.request.ResponseType }
func (g *grant) GetResponseMode() oidc.ResponseMode { return g.request.ResponseMode }
func (g *grant) GetScopes() []string                { return g.scopes }
func (g *grant) GetState() string                   { return g.request.State }
func (g *grant) GetSubject() string                 { return g.subject }
func (g *grant) Done() bool                         { return g.done }
func (g *grant) SetCurrentScopes([]string)          {}

// GetCodeChallenge implements op.AuthRequest.
func (g *grant) GetCodeChallenge() *oidc.CodeChallenge {
	if g.request.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: g.request.CodeChallenge, Method: g.request.CodeChallengeMethod}
}

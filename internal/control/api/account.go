package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// People are the vault's procedures about people.
type People interface {
	Server(context.Context) (*vaultrpc.ServerAnswer, error)
	SignIn(context.Context, *vaultrpc.EnterRequest) (*vaultrpc.EnterAnswer, error)
	Join(context.Context, *vaultrpc.EnterRequest) (*vaultrpc.EnterAnswer, error)
	Operation(context.Context, *vaultrpc.OperationRequest) (*hotcell.Operation, error)
	Confirm(context.Context, *vaultrpc.ConfirmRequest) error
	SignOut(context.Context, *vaultrpc.WorkspaceRequest) error
	Account(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.AccountAnswer, error)
	SetPassword(context.Context, *vaultrpc.SetPasswordRequest) (*vaultrpc.AccountAnswer, error)
	Sessions(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.SessionsAnswer, error)
	EndSession(context.Context, *vaultrpc.EndSessionRequest) error
	Members(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.MembersAnswer, error)
	ChangeMember(context.Context, *vaultrpc.ChangeMemberRequest) (*vaultrpc.MemberAnswer, error)
	Leaving(context.Context, *vaultrpc.MemberRequest) (*vaultrpc.LeavingAnswer, error)
	RemoveMember(context.Context, *vaultrpc.MemberRequest) (*vaultrpc.LeavingAnswer, error)
	Invite(context.Context, *vaultrpc.InviteRequest) (*vaultrpc.InviteAnswer, error)
	Invitations(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.InvitationsAnswer, error)
	Uninvite(context.Context, *vaultrpc.UninviteRequest) error
	CreateToken(context.Context, *vaultrpc.CreateTokenRequest) (*vaultrpc.CreateTokenAnswer, error)
	Tokens(context.Context, *vaultrpc.TokensRequest) (*vaultrpc.TokensAnswer, error)
	DeleteToken(context.Context, *vaultrpc.DeleteTokenRequest) error
}

// HeaderWorkspace names the workspace that a request is about, where somebody is in several.
const HeaderWorkspace = "Hotcell-Workspace"

// The paths that somebody asks who is not anybody yet. What they answer is remembered under
// no Idempotency-Key: each is somebody's alone.
const (
	pathServer = "/v1/server"
	pathSignIn = "/v1/sign-in"
	pathJoin   = "/v1/join"
)

// open says whether a request is one of those.
func open(r *http.Request) bool {
	switch r.URL.Path {
	case pathServer:
		return r.Method == http.MethodGet
	case pathSignIn, pathJoin:
		return r.Method == http.MethodPost
	}
	return false
}

type serverItem struct{ Body vaultrpc.ServerAnswer }

type enter struct {
	Body struct {
		Name    string `json:"name" doc:"the account's, as it was typed"`
		Message []byte `json:"message" doc:"what proves it, sealed to the server's public key as package parcel does it"`
		Device  string `json:"device,omitempty" doc:"what the program calls itself, to know the session by"`
	}
}

type entered struct {
	Body struct {
		Bearer  string           `json:"bearer" doc:"goes into the header Authorization of each request"`
		Session hotcell.Session  `json:"session"`
		Person  hotcell.Person   `json:"person"`
		Members []hotcell.Member `json:"members"`
	}
}

type accountItem struct{ Body vaultrpc.AccountAnswer }

type setPassword struct {
	Body struct {
		Name    string `json:"name"`
		Message []byte `json:"message"`
	}
}

type sessionList struct {
	Body struct {
		Items []hotcell.Session `json:"items"`
	}
}

type oneSession struct {
	ID string `path:"id"`
}

func (s *service) accounts(api huma.API) {
	operation(s, api, http.MethodGet, pathServer, "show-server", "What the server is known by, and the key to seal a password to; nobody need be signed in", http.StatusOK,
		func(ctx context.Context, _ hotcell.Principal, _ *empty) (*serverItem, error) {
			answer, err := s.People.Server(ctx)
			if err != nil {
				return nil, err
			}
			return &serverItem{*answer}, nil
		})
	s.enters(api, pathSignIn, "sign-in", "Sign in with a name and a password", func(ctx context.Context, r *vaultrpc.EnterRequest) (*vaultrpc.EnterAnswer, error) {
		return s.People.SignIn(ctx, r)
	})
	s.enters(api, pathJoin, "join", "Join by an invitation: make an account, or come in with one", func(ctx context.Context, r *vaultrpc.EnterRequest) (*vaultrpc.EnterAnswer, error) {
		return s.People.Join(ctx, r)
	})
	operation(s, api, http.MethodPost, "/v1/sign-out", "sign-out", "End the session in use", http.StatusNoContent,
		func(ctx context.Context, p hotcell.Principal, _ *empty) (*empty, error) {
			return &empty{}, s.People.SignOut(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
		})
	operation(s, api, http.MethodGet, "/v1/account", "show-account", "Who is signed in, and by what", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, _ *empty) (*accountItem, error) {
			return accountOf(s.People.Account(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)}))
		})
	operation(s, api, http.MethodPut, "/v1/account/password", "set-password", "Set one's password; all other sessions end", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *setPassword) (*accountItem, error) {
			return accountOf(s.People.SetPassword(ctx, &vaultrpc.SetPasswordRequest{By: vaultrpc.As(p), Name: in.Body.Name, Message: in.Body.Message}))
		})
	s.sessions(api)
	s.confirmations(api)
}

func (s *service) enters(api huma.API, path, id, summary string, by func(context.Context, *vaultrpc.EnterRequest) (*vaultrpc.EnterAnswer, error)) {
	operation(s, api, http.MethodPost, path, id, summary, http.StatusCreated,
		func(ctx context.Context, _ hotcell.Principal, in *enter) (*entered, error) {
			answer, err := by(ctx, &vaultrpc.EnterRequest{Name: in.Body.Name, Message: in.Body.Message, Device: in.Body.Device, Address: address(ctx), Request: requestID(ctx)})
			if err != nil {
				return nil, err
			}
			out := &entered{}
			out.Body.Bearer, out.Body.Session, out.Body.Person, out.Body.Members = string(answer.Principal.Bearer), answer.Session, answer.Person, answer.Members
			return out, nil
		})
}

func accountOf(answer *vaultrpc.AccountAnswer, err error) (*accountItem, error) {
	if err != nil {
		return nil, err
	}
	return &accountItem{*answer}, nil
}

func (s *service) sessions(api huma.API) {
	operation(s, api, http.MethodGet, "/v1/sessions", "list-sessions", "One's own sessions, newest first", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, _ *empty) (*sessionList, error) {
			answer, err := s.People.Sessions(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
			if err != nil {
				return nil, err
			}
			out := &sessionList{}
			out.Body.Items = answer.Sessions
			return out, nil
		})
	operation(s, api, http.MethodDelete, "/v1/sessions/{id}", "end-session", "End one of one's own sessions", http.StatusNoContent,
		func(ctx context.Context, p hotcell.Principal, in *oneSession) (*empty, error) {
			if err := check(in.ID, hotcell.PrefixSession); err != nil {
				return nil, err
			}
			return &empty{}, s.People.EndSession(ctx, &vaultrpc.EndSessionRequest{By: vaultrpc.As(p), ID: hotcell.SessionID(in.ID)})
		})
	operation(s, api, http.MethodDelete, "/v1/sessions", "end-sessions", "End all of one's own sessions but the one in use", http.StatusNoContent,
		func(ctx context.Context, p hotcell.Principal, _ *empty) (*empty, error) {
			return &empty{}, s.People.EndSession(ctx, &vaultrpc.EndSessionRequest{By: vaultrpc.As(p)})
		})
}

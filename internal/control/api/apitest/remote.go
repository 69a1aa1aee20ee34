package apitest

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"hotcell"
	"hotcell/internal/control/api"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
)

// Password is that of the world's owner, whose name is ada.
const Password = "correct horse battery staple"

// ServeTLS serves the API at a URL until the test ends, to whoever brings one of the
// bearers; the first is what a sign-in gives, and none after a sign-out. It returns the
// URL, and its authority's certificate in PEM.
func (w *World) ServeTLS(t testing.TB, bearers ...hotcell.Bearer) (address string, authority []byte) {
	t.Helper()
	c, p := w.Config(), &people{People: roll{world: w}, w: w, bearers: bearers}
	c.Principal, c.People = p.principal, p
	server := httptest.NewUnstartedServer(api.New(c))
	server.Config.ErrorLog = slog.NewLogLogger(slog.NewJSONHandler(w.Logged, nil), slog.LevelWarn)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

// people are the world's owner alone, who signs in from elsewhere.
type people struct {
	api.People // what is not below

	w       *World
	mu      sync.Mutex
	bearers []hotcell.Bearer
}

func (p *people) principal(r *http.Request) (hotcell.Principal, error) {
	given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.TLS == nil || !slices.Contains(p.bearers, hotcell.Bearer(given)) {
		return hotcell.Principal{}, hotcell.ErrSignIn
	}
	return hotcell.Principal{Workspace: p.w.workspace.ID, Member: p.w.member.ID, Via: "session", Bearer: hotcell.Bearer(given)}, nil
}

// SignIn implements api.People.
func (p *people) SignIn(_ context.Context, r *vaultrpc.EnterRequest) (*vaultrpc.EnterAnswer, error) {
	in := parcel.Context{Workspace: string(p.w.workspace.ID), Tier: vaultrpc.TierAccount, Item: r.Name, Field: vaultrpc.FieldSignIn}
	value, err := p.w.Key.Open(in, r.Message)
	if err != nil {
		return nil, hotcell.Invalid("/message", "it was sealed to another key")
	}
	var proof vaultrpc.Proof
	err = value.Use(func(b []byte) error { return json.Unmarshal(b, &proof) })
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil || r.Name != p.w.member.Name || proof.Password != Password || len(p.bearers) == 0 {
		return nil, fmt.Errorf("%w: the name or the password is wrong", hotcell.ErrSignIn)
	}
	now := p.w.workspace.CreatedAt
	return &vaultrpc.EnterAnswer{
		By: vaultrpc.As(hotcell.Principal{Bearer: p.bearers[0]}), Members: []hotcell.Member{p.w.member},
		Session: hotcell.Session{ID: hotcell.SessionID(hotcell.NewID(hotcell.PrefixSession)), Device: r.Device, CreatedAt: now, SeenAt: now, ExpiresAt: now.AddDate(0, 1, 0)},
	}, nil
}

// SignOut implements api.People.
func (p *people) SignOut(context.Context, *vaultrpc.WorkspaceRequest) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bearers = nil
	return nil
}

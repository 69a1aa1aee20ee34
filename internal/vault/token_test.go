package vault_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

func (s *scene) token(p hotcell.Principal, on hotcell.AssignmentID, scopes ...hotcell.Scope) hotcell.Bearer {
	s.t.Helper()
	answer, err := s.control.CreateToken(s.t.Context(), &vaultrpc.CreateTokenRequest{By: vaultrpc.As(p), Name: "ci", Scopes: scopes, Assignment: on})
	must(s.t, err)
	return answer.Principal.Bearer
}

// each calls every procedure that somebody asks, with an empty message of a bearer: what is
// added later is among them.
func (s *scene) each(b hotcell.Bearer, fn func(procedure string, err error)) {
	s.t.Helper()
	all := s.procedures()
	for name, procedure := range all {
		request := reflect.New(procedure.Type().In(1).Elem())
		request.Elem().FieldByName("By").Set(reflect.ValueOf(vaultrpc.As(hotcell.Principal{Bearer: b})))
		out := procedure.Call([]reflect.Value{reflect.ValueOf(s.t.Context()), request})
		err, _ := reflect.TypeAssert[error](out[len(out)-1])
		fn(name, err)
	}
	if len(all) < 60 {
		s.t.Fatalf("%d procedures were found", len(all))
	}
}

// The procedures that any token is good for.
var anyToken = []string{"Account", "Advise", "Connectors", "Vouch", "Workspace"}

func TestNobodyIsServedWithoutABearer(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, b := range []hotcell.Bearer{"", hotcell.NewBearer(hotcell.BearerSession), hotcell.NewBearer(hotcell.BearerToken)} {
		s.each(b, func(procedure string, err error) {
			if !errors.Is(err, hotcell.ErrSignIn) {
				t.Errorf("%s: %v", procedure, err)
			}
		})
	}
}

func TestATokenIsGoodForItsScopes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	must(t, s.setPassword(s.me, "olga", vaultrpc.Proof{Password: s.plant("password")}))
	served := map[string]int{}
	for _, scope := range hotcell.Scopes() {
		s.each(s.token(s.me, "", scope), func(procedure string, err error) {
			if !slices.Contains(anyToken, procedure) && !errors.Is(err, hotcell.ErrDenied) {
				served[procedure]++
			}
		})
	}
	all := 0
	s.each(s.token(s.me, "", hotcell.Scopes()...), func(procedure string, err error) {
		self := slices.Contains([]string{"SignOut", "SetPassword", "Sessions", "EndSession", "CreateToken", "Tokens", "DeleteToken", "Operation", "Confirm"}, procedure)
		switch denied := errors.Is(err, hotcell.ErrDenied); {
		case self && !denied:
			t.Errorf("%s is served to a token", procedure)
		case !self && !slices.Contains(anyToken, procedure) && served[procedure] != 1:
			t.Errorf("%s is served to tokens of %d scopes", procedure, served[procedure])
		}
		all++
	})
	t.Logf("%d procedures, %d scopes", all, len(hotcell.Scopes()))
}

func TestATokenForOneAssignment(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	mine, other := s.assignment(s.me, "mine"), s.assignment(s.me, "other")
	b := s.token(s.me, mine, hotcell.ScopeRunJobs, hotcell.ScopeReadJobs, hotcell.ScopeReadAssignments)
	p := s.as(b)
	if _, err := s.control.Assignment(ctx, &vaultrpc.AssignmentRequest{By: vaultrpc.As(p), ID: mine}); err != nil {
		t.Error(err)
	}
	create := func(on hotcell.AssignmentID) error {
		_, err := s.control.CreateJob(ctx, &vaultrpc.CreateJobRequest{By: vaultrpc.As(p), Assignment: on, Job: hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))})
		return err
	}
	must(t, create(mine))
	if err := create(other); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("another assignment is run: %v", err)
	}
	list, err := s.control.Assignments(ctx, &vaultrpc.AssignmentsRequest{By: vaultrpc.As(p)})
	must(t, err)
	if len(list.Assignments) != 1 || list.Assignments[0].ID != mine {
		t.Errorf("it lists %+v", list.Assignments)
	}
	s.each(b, func(procedure string, err error) {
		if procedure != "Assignments" && !slices.Contains(anyToken, procedure) && !errors.Is(err, hotcell.ErrDenied) {
			t.Errorf("%s: %v", procedure, err)
		}
	})
	if _, err := s.control.CreateToken(ctx, &vaultrpc.CreateTokenRequest{By: vaultrpc.As(s.me), Name: "wide", Scopes: []hotcell.Scope{hotcell.ScopeReadCredentials}, Assignment: mine}); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("a token for one assignment that reads credentials: %v", err)
	}
}

func TestTokensEnd(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	b := s.token(s.b, "", hotcell.ScopeReadJobs)
	list, err := s.control.Tokens(ctx, &vaultrpc.TokensRequest{By: vaultrpc.As(s.b)})
	must(t, err)
	of := &vaultrpc.DeleteTokenRequest{By: vaultrpc.As(s.m), ID: list.Tokens[0].ID}
	if err := s.control.DeleteToken(ctx, of); !errors.Is(err, hotcell.ErrNotFound) {
		t.Errorf("another member deletes it: %v", err)
	}
	if _, err := s.control.Tokens(ctx, &vaultrpc.TokensRequest{By: vaultrpc.As(s.b), All: true}); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("a builder lists everybody's: %v", err)
	}
	must(t, s.who(b))
	of.By = vaultrpc.As(s.me)
	must(t, s.control.DeleteToken(ctx, of))
	if err := s.who(b); !errors.Is(err, hotcell.ErrSignIn) {
		t.Errorf("deleted: %v", err)
	}
	b = s.token(s.b, "", hotcell.ScopeReadJobs)
	s.pass(89 * 24 * time.Hour)
	must(t, s.who(b))
	s.pass(2 * 24 * time.Hour)
	if err := s.who(b); !errors.Is(err, hotcell.ErrSignIn) {
		t.Errorf("after 91 days: %v", err)
	}
	for what, r := range map[string]vaultrpc.CreateTokenRequest{
		"no scope": {Name: "a"}, "a scope that there is not": {Name: "a", Scopes: []hotcell.Scope{"all"}}, "its own account": {Name: "a", Scopes: []hotcell.Scope{hotcell.ScopeSelf}}, "any": {Name: "a", Scopes: []hotcell.Scope{hotcell.ScopeAny}},
		"no name": {Scopes: []hotcell.Scope{hotcell.ScopeReadJobs}}, "for ever": {Name: "a", Scopes: []hotcell.Scope{hotcell.ScopeReadJobs}, Time: 10 * 366 * 24 * time.Hour}, "twice": {Name: "a", Scopes: []hotcell.Scope{hotcell.ScopeReadJobs, hotcell.ScopeReadJobs}},
	} {
		r.By = vaultrpc.As(s.me)
		if _, err := s.control.CreateToken(ctx, &r); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWhoIsRemovedLeavesNothingOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	session, _ := s.signedIn("bob", hotcell.RoleBuilder)
	bob := s.judged(hotcell.Principal{Workspace: session.Workspace, Member: session.Member, Via: "test"})
	personal, shared := s.secret(bob, "bobs", "A", s.plant("a")), s.secret(bob, "teams", "B", s.plant("b"))
	_, err := s.control.ShareCredential(ctx, &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(bob), ID: shared.ID, Shared: true})
	must(t, err)
	on := s.assignment(bob, "report")
	_, err = s.attach(bob, on, personal.ID)
	must(t, err)
	job := hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	_, err = s.control.CreateJob(ctx, &vaultrpc.CreateJobRequest{By: vaultrpc.As(bob), Assignment: on, Job: job})
	must(t, err)
	_, err = s.control.StartJob(ctx, &vaultrpc.StartJobRequest{Job: job})
	must(t, err)
	deaths := s.watch(job)
	token := s.token(bob, "", hotcell.ScopeReadJobs)
	invitation, err := s.invite(s.me, hotcell.RoleMember)
	must(t, err)
	would, err := s.control.Leaving(ctx, &vaultrpc.MemberRequest{By: vaultrpc.As(s.me), ID: bob.Member})
	must(t, err)
	gone, err := s.control.RemoveMember(ctx, &vaultrpc.MemberRequest{By: vaultrpc.As(s.me), ID: bob.Member})
	must(t, err)
	if gone.Personal != 1 || gone.Shared != 1 || gone.Jobs != 1 || gone.Tokens != 1 || len(gone.Missing) != 1 || gone.Missing[0].Name != "report" || would.Personal != 1 || would.Jobs != 1 || len(would.Missing) != 1 {
		t.Errorf("%+v; %+v", gone, would)
	}
	if reason := s.next(deaths); reason == "" {
		t.Error("his job goes on")
	}
	for what, b := range map[string]hotcell.Bearer{"his session": session.Bearer, "his token": token} {
		if err := s.who(b); !errors.Is(err, hotcell.ErrSignIn) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, _, sealed := s.counts()
	if rows, _, _ := s.counts(); rows != 1 || sealed != 1 {
		t.Errorf("%d credentials and %d data keys are left", rows, sealed)
	}
	out, err := s.control.ShareCredential(ctx, &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(s.me), ID: shared.ID, Shared: false})
	must(t, err)
	if out.Credential.Owner != s.me.Member || out.Credential.Shared {
		t.Errorf("what he shared, taken back: %+v", out.Credential)
	}
	if _, err := s.control.ChangeMember(ctx, &vaultrpc.ChangeMemberRequest{By: vaultrpc.As(s.me), ID: bob.Member, Role: new(hotcell.RoleOwner)}); !errors.Is(err, hotcell.ErrNotFound) {
		t.Errorf("his role: %v", err)
	}
	again, err := s.join("bob", "another password of bob's", invitation)
	if !errors.Is(err, hotcell.ErrSignIn) {
		t.Errorf("his account, by another password: %+v, %v", again, err)
	}
}

func TestARequestIsAskedOfTheStoreOnce(t *testing.T) {
	t.Parallel()
	var views atomic.Int64
	s := setup(t, func(store hotcell.VaultStore) hotcell.VaultStore { return &viewed{store, &views} })
	b := s.token(s.me, "", hotcell.ScopeReadJobs)
	must(t, s.who(b))
	before := views.Load()
	for range 20 {
		must(t, s.who(b))
	}
	if n := views.Load() - before; n >= 10 { // what goes on in the background looks, too
		t.Errorf("20 requests looked at the store %d times", n)
	}
}

type viewed struct {
	hotcell.VaultStore
	views *atomic.Int64
}

func (v *viewed) View(ctx context.Context, fn func(hotcell.VaultReader) error) error {
	v.views.Add(1)
	return v.VaultStore.View(ctx, fn)
}

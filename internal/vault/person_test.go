package vault_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
)

// proof seals what somebody proves themselves by.
func (s *scene) proof(name, field string, p vaultrpc.Proof) []byte {
	s.t.Helper()
	text, err := json.Marshal(p)
	must(s.t, err)
	message, err := parcel.Seal(s.key, parcel.Context{Workspace: string(s.me.Workspace), Tier: vaultrpc.TierAccount, Item: name, Field: field}, text)
	must(s.t, err)
	return message
}

func (s *scene) signIn(name, password, address string) (*vaultrpc.EnterAnswer, error) {
	return s.control.SignIn(s.t.Context(), &vaultrpc.EnterRequest{Name: name, Device: "a test", Address: address, Message: s.proof(name, vaultrpc.FieldSignIn, vaultrpc.Proof{Password: password})})
}

func (s *scene) join(name, password string, invitation hotcell.Bearer) (*vaultrpc.EnterAnswer, error) {
	return s.control.Join(s.t.Context(), &vaultrpc.EnterRequest{Name: name, Device: "a test", Message: s.proof(name, vaultrpc.FieldJoin, vaultrpc.Proof{Password: password, Invitation: string(invitation)})})
}

func (s *scene) invite(by hotcell.Principal, role hotcell.Role) (hotcell.Bearer, error) {
	answer, err := s.control.Invite(s.t.Context(), &vaultrpc.InviteRequest{By: vaultrpc.As(by), Role: role})
	if err != nil {
		return "", err
	}
	return answer.Principal.Bearer, nil
}

// signedIn is somebody new in the workspace, and their password.
func (s *scene) signedIn(name string, role hotcell.Role) (p hotcell.Principal, password string) {
	s.t.Helper()
	bearer, err := s.invite(s.me, role)
	must(s.t, err)
	password = s.plant("password")
	answer, err := s.join(name, password, bearer)
	must(s.t, err)
	return s.as(answer.Principal.Bearer), password
}

// joined is somebody new in the workspace, of whom no confirmation is asked.
func (s *scene) joined(name string, role hotcell.Role) hotcell.Principal {
	s.t.Helper()
	p, _ := s.signedIn(name, role)
	return s.judged(hotcell.Principal{Workspace: p.Workspace, Member: p.Member, Via: "test"})
}

// as is who has a bearer.
func (s *scene) as(b hotcell.Bearer) hotcell.Principal {
	s.t.Helper()
	p, err := s.control.Who(s.t.Context(), hotcell.Principal{Bearer: b})
	must(s.t, err)
	return p
}

func (s *scene) who(b hotcell.Bearer) error {
	_, err := s.control.Who(s.t.Context(), hotcell.Principal{Bearer: b})
	return err
}

func (s *scene) setPassword(p hotcell.Principal, name string, proof vaultrpc.Proof) error {
	_, err := s.control.SetPassword(s.t.Context(), &vaultrpc.SetPasswordRequest{By: vaultrpc.As(p), Name: name, Message: s.proof(name, vaultrpc.FieldPassword, proof)})
	return err
}

func (s *scene) pass(d time.Duration) { s.ticks.Add(d.Milliseconds()) }

func TestPeopleComeInAndGo(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	owner, bobs := s.plant("owner"), s.plant("bob")
	must(t, s.setPassword(s.me, "Olga@Acme.test", vaultrpc.Proof{Password: owner}))
	answer, err := s.signIn("olga@acme.test", owner, "")
	must(t, err)
	if got := s.as(answer.Principal.Bearer); got.Member != s.me.Member || got.Workspace != s.me.Workspace || got.Session != answer.Session.ID {
		t.Errorf("%+v", got)
	}
	invitation, err := s.invite(s.me, hotcell.RoleBuilder)
	must(t, err)
	bob, err := s.join("bob", bobs, invitation)
	must(t, err)
	p := s.as(bob.Principal.Bearer)
	list, err := s.control.Members(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
	must(t, err)
	if !slices.ContainsFunc(list.Members, func(m hotcell.Member) bool {
		return m.Name == "bob" && m.Role == hotcell.RoleBuilder && m.ID == p.Member
	}) {
		t.Errorf("%+v", list.Members)
	}
	if err := s.setPassword(p, "bob", vaultrpc.Proof{Password: s.plant("next"), Before: owner}); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("another password with a wrong one before it: %v", err)
	}
	again, err := s.signIn("BOB", bobs, "192.0.2.7")
	must(t, err)
	next := s.plant("bobs-next")
	must(t, s.setPassword(p, "bob", vaultrpc.Proof{Password: next, Before: bobs}))
	if err := s.who(again.Principal.Bearer); !errors.Is(err, hotcell.ErrSignIn) {
		t.Errorf("a session from before the password was changed: %v", err)
	}
	must(t, s.who(bob.Principal.Bearer))
	if _, err := s.signIn("bob", bobs, ""); !errors.Is(err, hotcell.ErrSignIn) {
		t.Errorf("the password from before: %v", err)
	}
	must(t, s.control.SignOut(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)}))
	if err := s.who(bob.Principal.Bearer); !errors.Is(err, hotcell.ErrSignIn) {
		t.Errorf("after signing out: %v", err)
	}
	must(t, s.who(answer.Principal.Bearer))
	s.stop()
	s.start()
	must(t, s.who(answer.Principal.Bearer))
	for _, b := range []hotcell.Bearer{invitation, answer.Principal.Bearer, bob.Principal.Bearer} {
		for _, file := range []string{"vault.db", "vault.db-wal"} {
			if text, err := os.ReadFile(filepath.Join(s.dir, file)); err == nil && bytes.Contains(text, []byte(string(b))) {
				t.Errorf("%s holds a bearer", file)
			}
		}
	}
}

func TestWhoProvesNothingComesInNowhere(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	password := s.plant("password")
	must(t, s.setPassword(s.me, "olga", vaultrpc.Proof{Password: password}))
	_, known := s.signIn("olga", password+"x", "192.0.2.1")
	_, unknown := s.signIn("nobody-of-this-name", password, "192.0.2.1")
	if known == nil || unknown == nil || known.Error() != unknown.Error() || !errors.Is(known, hotcell.ErrSignIn) {
		t.Errorf("%v; %v", known, unknown)
	}
	message := s.proof("olga", vaultrpc.FieldSignIn, vaultrpc.Proof{Password: password})
	if _, err := s.control.SignIn(ctx, &vaultrpc.EnterRequest{Name: "olga", Message: message}); err != nil {
		t.Fatal(err)
	}
	tries := map[string]vaultrpc.EnterRequest{
		"the same message again":  {Name: "olga", Message: message},
		"sealed for another name": {Name: "olga", Message: s.proof("olga2", vaultrpc.FieldSignIn, vaultrpc.Proof{Password: password})},
		"sealed for joining":      {Name: "olga", Message: s.proof("olga", vaultrpc.FieldJoin, vaultrpc.Proof{Password: password})},
		"cut short":               {Name: "olga", Message: s.proof("olga", vaultrpc.FieldSignIn, vaultrpc.Proof{Password: password})[:40]},
		"nothing":                 {Name: "olga"},
		"no name":                 {Message: message},
		"two names":               {Name: "olga\nolga", Message: message},
		"an empty password":       {Name: "olga", Message: s.proof("olga", vaultrpc.FieldSignIn, vaultrpc.Proof{})},
	}
	for what, r := range tries {
		if answer, err := s.control.SignIn(ctx, &r); !errors.Is(err, hotcell.ErrSignIn) && !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%s: %+v, %v", what, answer, err)
		}
	}
	for _, b := range []hotcell.Bearer{"", "x", hotcell.NewBearer(hotcell.BearerSession), hotcell.NewBearer(hotcell.BearerToken), hotcell.NewBearer(hotcell.BearerInvitation), "hc_ses_"} {
		if err := s.who(b); !errors.Is(err, hotcell.ErrSignIn) {
			t.Errorf("a bearer that is none: %v", err)
		}
	}
	list, err := s.control.Sessions(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(s.me)})
	must(t, err)
	if len(list.Sessions) != 1 {
		t.Errorf("%d sessions", len(list.Sessions))
	}
	events, err := s.control.Events(ctx, &vaultrpc.EventsRequest{By: vaultrpc.As(s.me), Filter: hotcell.EventFilter{Kind: "account.sign_in", Decision: hotcell.Refused}})
	must(t, err)
	if text := fmt.Sprint(events.Events); len(events.Events) < 2 || strings.Contains(text, "nobody-of-this-name") || !strings.Contains(text, "192.0.2.1") {
		t.Errorf("%s", text)
	}
}

func TestWhoGuessesLocksNobodyOut(t *testing.T) {
	t.Parallel()
	s := setup(t)
	password := s.plant("password")
	must(t, s.setPassword(s.me, "olga", vaultrpc.Proof{Password: password}))
	if _, err := s.signIn("olga", password, "198.51.100.1"); err != nil {
		t.Fatal(err)
	}
	throttled := 0
	for n := range 40 {
		if _, err := s.signIn("olga", "a wrong guess of it", fmt.Sprintf("192.0.2.%d", n)); errors.Is(err, hotcell.ErrRateLimited) {
			throttled++
		}
	}
	if throttled == 0 || throttled > 15 {
		t.Errorf("%d of 40 guesses from everywhere were throttled", throttled)
	}
	if _, err := s.signIn("olga", password, "198.51.100.1"); err != nil {
		t.Errorf("from where she is signed in: %v", err)
	}
	throttled = 0
	for range 20 {
		if _, err := s.signIn("somebody", "a wrong guess of it", "203.0.113.9"); errors.Is(err, hotcell.ErrInvalid) {
			t.Fatal(err)
		}
		if _, err := s.signIn("mona", "a wrong guess of it", "203.0.113.9"); errors.Is(err, hotcell.ErrRateLimited) {
			throttled++
		}
	}
	if throttled != 10 {
		t.Errorf("%d of 20 guesses from one address were throttled", throttled)
	}
	throttled = 0
	for n := range 30 {
		if _, err := s.signIn("berta", "a wrong guess of it", fmt.Sprintf("2001:db8::%x", n)); errors.Is(err, hotcell.ErrRateLimited) {
			throttled++
		}
	}
	if throttled != 20 {
		t.Errorf("%d of 30 guesses from one network were throttled", throttled)
	}
	s.pass(time.Hour)
	if _, err := s.signIn("olga", password, "192.0.2.1"); err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

func TestPasswordsThatAnybodyGuesses(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, password := range []string{"", "short", "password1234", "P@ssw0rd2026!", "qwertyuiop12", "aaaaaaaaaaaa", "123456789012", "olga@acme.test1", "Summer2026!!", "abcdefghijkl", "correcthorsebatterystaple", "letmeinletmein", strings.Repeat("x y", 500), "tab\tin the password"} {
		if err := s.setPassword(s.me, "olga@acme.test", vaultrpc.Proof{Password: password}); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%.20q: %v", password, err)
		}
	}
	for _, password := range []string{"tulip anvil moss quart", "zqxj9vbn2klw", "ein Fahrrad im Gebirge", "пароль из четырёх слов", "9f8d-Kq2L-wm71"} {
		if err := s.setPassword(s.me, "olga@acme.test", vaultrpc.Proof{Password: password}); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	s := setup(t)
	password := s.plant("password")
	must(t, s.setPassword(s.me, "olga", vaultrpc.Proof{Password: password}))
	unused, err := s.signIn("olga", password, "")
	must(t, err)
	used, err := s.signIn("olga", password, "")
	must(t, err)
	for range 4 {
		s.pass(6 * 24 * time.Hour)
		must(t, s.who(used.Principal.Bearer))
	}
	if err := s.who(unused.Principal.Bearer); !errors.Is(err, hotcell.ErrSignIn) {
		t.Errorf("a session that was not used for 24 days: %v", err)
	}
	s.pass(6*24*time.Hour + time.Hour)
	if err := s.who(used.Principal.Bearer); !errors.Is(err, hotcell.ErrSignIn) {
		t.Errorf("a session of 30 days: %v", err)
	}
}

func TestAnInvitationIsForOne(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	admin := s.joined("adam", hotcell.RoleAdministrator)
	if _, err := s.invite(admin, hotcell.RoleOwner); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("an owner, invited by an administrator: %v", err)
	}
	for who, p := range map[string]hotcell.Principal{"a builder": s.b, "a member": s.m} {
		if _, err := s.invite(p, hotcell.RoleMember); !errors.Is(err, hotcell.ErrDenied) {
			t.Errorf("%s invites: %v", who, err)
		}
	}
	if _, err := s.invite(s.me, "root"); err == nil {
		t.Error("a role that there is not")
	}
	one, err := s.invite(admin, hotcell.RoleMember)
	must(t, err)
	var got sync.Map
	var all sync.WaitGroup
	for n := range 6 {
		name := fmt.Sprintf("twin%d", n)
		password := s.plant("password")
		all.Go(func() {
			if _, err := s.join(name, password, one); err == nil {
				got.Store(name, true)
			} else if !errors.Is(err, hotcell.ErrDenied) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	all.Wait()
	joined := 0
	got.Range(func(any, any) bool { joined++; return true })
	if joined != 1 {
		t.Errorf("%d have joined by one invitation", joined)
	}
	bound, err := s.control.Invite(ctx, &vaultrpc.InviteRequest{By: vaultrpc.As(admin), Role: hotcell.RoleMember, For: "Carla@acme.test"})
	must(t, err)
	if _, err := s.join("mallory", s.plant("password"), bound.Principal.Bearer); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("somebody else's: %v", err)
	}
	taken, err := s.invite(admin, hotcell.RoleMember)
	must(t, err)
	if _, err := s.join("adam", "not his password, this", taken); !errors.Is(err, hotcell.ErrSignIn) {
		t.Errorf("into another's account: %v", err)
	}
	if _, err := s.join("late", s.plant("password"), hotcell.NewBearer(hotcell.BearerInvitation)); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("a made-up one: %v", err)
	}
	// Who made them is not one any more who may.
	_, err = s.control.ChangeMember(ctx, &vaultrpc.ChangeMemberRequest{By: vaultrpc.As(s.me), ID: admin.Member, Role: new(hotcell.RoleManager)})
	must(t, err)
	if _, err := s.join("carla@acme.test", s.plant("password"), bound.Principal.Bearer); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("by who is no administrator any more: %v", err)
	}
	later, err := s.invite(s.me, hotcell.RoleMember)
	must(t, err)
	s.pass(8 * 24 * time.Hour)
	if _, err := s.join("late", s.plant("password"), later); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("one that is over: %v", err)
	}
}

func TestNobodyReachesAboveTheirRole(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	admin, manager := s.joined("adam", hotcell.RoleAdministrator), s.joined("mia", hotcell.RoleManager)
	change := func(by hotcell.Principal, id hotcell.MemberID, role hotcell.Role) error {
		_, err := s.control.ChangeMember(ctx, &vaultrpc.ChangeMemberRequest{By: vaultrpc.As(by), ID: id, Role: &role})
		return err
	}
	remove := func(by hotcell.Principal, id hotcell.MemberID) error {
		_, err := s.control.RemoveMember(ctx, &vaultrpc.MemberRequest{By: vaultrpc.As(by), ID: id})
		return err
	}
	for what, err := range map[string]error{
		"an administrator makes themselves the owner": change(admin, admin.Member, hotcell.RoleOwner),
		"an administrator demotes the owner":          change(admin, s.me.Member, hotcell.RoleMember),
		"an administrator removes the owner":          remove(admin, s.me.Member),
		"a manager promotes themselves":               change(manager, manager.Member, hotcell.RoleAdministrator),
		"a manager removes a member":                  remove(manager, s.m.Member),
		"a member renames somebody":                   change(s.m, s.b.Member, hotcell.RoleBuilder),
	} {
		if !errors.Is(err, hotcell.ErrDenied) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{"the only owner leaves": remove(s.me, s.me.Member), "the only owner steps down": change(s.me, s.me.Member, hotcell.RoleAdministrator)} {
		if !errors.Is(err, hotcell.ErrConflict) {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, change(s.me, admin.Member, hotcell.RoleMember))
	if err := change(admin, s.m.Member, hotcell.RoleBuilder); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("who was an administrator a moment ago: %v", err)
	}
	must(t, change(s.me, admin.Member, hotcell.RoleOwner))
	must(t, change(admin, s.me.Member, hotcell.RoleMember))
	if err := remove(s.me, s.m.Member); !errors.Is(err, hotcell.ErrDenied) {
		t.Errorf("who was the owner a moment ago: %v", err)
	}
}

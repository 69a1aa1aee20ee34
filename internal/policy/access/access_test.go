package access_test

import (
	"errors"
	"testing"

	"hotcell"
	"hotcell/internal/policy/access"
)

var roles = []hotcell.Role{hotcell.RoleOwner, hotcell.RoleAdministrator, hotcell.RoleManager, hotcell.RoleBuilder, hotcell.RoleMember, "", "root"}

// The matrix is DESIGN section 5, written out: a letter a role in the order of
// roles; + allowed, - denied, 0 not found.
var matrix = []struct {
	action                access.Action
	own, shared, personal string
}{
	{access.SeeCredential, "+++++--", "+++++--", "0000000"},
	{access.CreateCredential, "+++++--", "-------", "-------"},
	{access.ChangeCredential, "+++++--", "+++----", "0000000"},
	{access.ShareCredential, "+++++--", "-------", "0000000"},
	{access.UnshareCredential, "+++++--", "+++----", "0000000"},
	{access.DeleteCredential, "+++++--", "+++----", "0000000"},
	{access.AttachCredential, "++++---", "++++---", "0000000"},
	{access.SeeAssignment, "+++++--", "+++++--", "+++++--"},
	{access.CreateAssignment, "++++---", "-------", "-------"},
	{access.ChangeAssignment, "++++---", "+++----", "+++----"},
	{access.DeleteAssignment, "++++---", "+++----", "+++----"},
	{access.RunAssignment, "+++++--", "+++++--", "+++++--"},
	{access.SeeJob, "+++++--", "+++0000", "+++0000"},
	{access.CancelJob, "+++++--", "+++0000", "+++0000"},
	{access.SeeAudit, "+++++--", "++-----", "++-----"},
	{access.ChangeSettings, "++-----", "++-----", "++-----"},
	{access.DeclareModel, "++-----", "++-----", "0000000"},
	{access.BackUp, "+------", "+------", "+------"},
	{access.SeeMembers, "+++++--", "+++++--", "+++++--"},
	{access.InviteMembers, "++-----", "++-----", "++-----"},
	{access.ChangeMember, "++-----", "++-----", "++-----"},
	{access.RemoveMember, "+++++--", "++-----", "++-----"},
	{access.CreateToken, "+++++--", "-------", "-------"},
	{access.SeeToken, "+++++--", "++-----", "++-----"},
	{access.DeleteToken, "+++++--", "++-----", "++-----"},
	{access.SeeKeys, "++-----", "++-----", "++-----"},
	{access.RotateKeys, "++-----", "++-----", "++-----"},
	{access.ReplaceKeys, "+------", "+------", "+------"},
	{"fly", "-------", "-------", "0000000"},
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	for _, row := range matrix {
		for i, role := range roles {
			caller := hotcell.Caller{Principal: hotcell.Principal{Member: "mem_a"}, Role: role}
			check(t, row.action, role, "own", row.own[i], access.Decide(caller, row.action, access.Resource{Owner: "mem_a"}))
			check(t, row.action, role, "shared", row.shared[i], access.Decide(caller, row.action, access.Resource{Owner: "mem_b", Shared: true}))
			if row.action == "fly" {
				continue
			}
			check(t, row.action, role, "personal", row.personal[i], access.Decide(caller, row.action, access.Resource{Owner: "mem_b"}))
		}
	}
}

func check(t *testing.T, action access.Action, role hotcell.Role, whose string, want byte, err error) {
	t.Helper()
	got := byte('+')
	switch {
	case errors.Is(err, hotcell.ErrNotFound):
		got = '0'
	case errors.Is(err, hotcell.ErrDenied):
		got = '-'
	case err != nil:
		got = '?'
	}
	if got != want {
		t.Errorf("%q as %q, %s: got %c, want %c (%v)", action, role, whose, got, want, err)
	}
}

func TestNobodyIsNotTheOwnerOfWhatHasNone(t *testing.T) {
	t.Parallel()
	caller := hotcell.Caller{Role: hotcell.RoleMember}
	if err := access.Decide(caller, access.SeeCredential, access.Resource{}); !errors.Is(err, hotcell.ErrNotFound) {
		t.Errorf("a caller without a name sees a thing without an owner: %v", err)
	}
}

func TestNobodyReachesAboveTheirOwnRole(t *testing.T) {
	t.Parallel()
	for i, own := range roles {
		for j, other := range roles {
			err := access.Above(hotcell.Caller{Role: own}, access.ChangeMember, other)
			known := func(n int) bool { return n < 5 }
			if may := known(i) && known(j) && i <= j; (err == nil) != may || err != nil && !errors.Is(err, hotcell.ErrDenied) {
				t.Errorf("%q over %q: %v", own, other, err)
			}
		}
	}
}

package vault_test

import (
	"fmt"
	"sync"
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

func TestAVariableComesFromOnePlace(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	one := s.secret(s.me, "one", "A", s.plant("1a"), "B", s.plant("1b"))
	two := s.secret(s.me, "two", "B", s.plant("2b"), "C", s.plant("2c"))
	three := s.secret(s.me, "three", "D", s.plant("3d"))
	on := s.assignment(s.me, "report", one.ID, three.ID)
	_, err := s.attach(s.me, on, two.ID)
	refused(t, "attach", err, hotcell.ErrConflict, `the secret "one" is attached to the assignment "report" and has the variable B too: rename one`)
	_, err = s.attach(s.me, on, one.ID)
	refused(t, "attach twice", err, hotcell.ErrConflict, "attached")
	_, err = s.set(s.me, three.ID, 0, "A", s.plant("3a"))
	refused(t, "set", err, hotcell.ErrConflict, `has the variable A too`)
	_, err = s.change(&vaultrpc.ChangeSecretRequest{By: vaultrpc.As(s.me), ID: three.ID, Rename: map[string]string{"D": "B"}})
	refused(t, "rename", err, hotcell.ErrConflict, `has the variable B too`)
	_, err = s.change(&vaultrpc.ChangeSecretRequest{By: vaultrpc.As(s.me), ID: three.ID, Replace: true, Set: s.sealed(string(three.ID), "A", "x")})
	refused(t, "replace", err, hotcell.ErrConflict, `has the variable A too`)

	work := &hotcell.Work{Command: "true", Environment: map[string]string{"A": "plain"}}
	_, err = s.control.ChangeAssignment(ctx, &vaultrpc.ChangeAssignmentRequest{By: vaultrpc.As(s.me), ID: on, Work: work})
	refused(t, "an environment over a secret", err, hotcell.ErrConflict, `the assignment "report" sets the variable A itself`)
	work.Environment = map[string]string{"MODE": "plain"}
	_, err = s.control.ChangeAssignment(ctx, &vaultrpc.ChangeAssignmentRequest{By: vaultrpc.As(s.me), ID: on, Work: work})
	must(t, err)
	_, err = s.set(s.me, three.ID, 0, "MODE", "x")
	refused(t, "a secret over the environment", err, hotcell.ErrConflict, `sets the variable MODE itself`)
	mode := s.secret(s.me, "mode", "MODE", s.plant("m"))
	_, err = s.attach(s.me, on, mode.ID)
	refused(t, "attach over the environment", err, hotcell.ErrConflict, `sets the variable MODE itself`)

	_, err = s.change(&vaultrpc.ChangeSecretRequest{By: vaultrpc.As(s.me), ID: one.ID, Rename: map[string]string{"B": "FREE"}})
	must(t, err)
	_, err = s.attach(s.me, on, two.ID)
	must(t, err)
	if got := s.leased(s.me, on); len(got) != 5 {
		t.Errorf("%d variables", len(got))
	}
}

func TestOfManyAttachmentsThatCollideOneIsMade(t *testing.T) {
	t.Parallel()
	s := setup(t)
	on := s.assignment(s.me, "report")
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		id := s.secret(s.me, fmt.Sprint("secret ", i), "SAME", s.plant("same")).ID
		wg.Go(func() { _, errs[i] = s.attach(s.me, on, id) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		refused(t, "one that lost", err, hotcell.ErrConflict, "has the variable SAME too")
	}
	if won != 1 || len(s.leased(s.me, on)) != 1 {
		t.Errorf("%d were attached", won)
	}
}

func TestALifeOfAnAssignment(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	secret := s.secret(s.me, "one", "A", s.plant("a"))
	on := s.assignment(s.me, "report", secret.ID)
	_, err := s.control.CreateAssignment(ctx, &vaultrpc.CreateAssignmentRequest{By: vaultrpc.As(s.b), Name: "report", Work: hotcell.Work{Command: "true"}})
	refused(t, "a name that is taken", err, hotcell.ErrConflict, "of this name")
	name, work := "renamed", &hotcell.Work{Command: "false", Allow: []hotcell.Allow{{Host: "api.acme.test", Port: 443, Protocol: hotcell.ProtocolHTTPS}}}
	changed, err := s.control.ChangeAssignment(ctx, &vaultrpc.ChangeAssignmentRequest{By: vaultrpc.As(s.me), ID: on, Revision: 1, Name: &name, Work: work})
	must(t, err)
	if changed.Assignment.Revision != 2 || changed.Assignment.Work.Command != "false" || len(changed.Attachments) != 1 {
		t.Errorf("changed to %+v", changed)
	}
	_, err = s.control.ChangeAssignment(ctx, &vaultrpc.ChangeAssignmentRequest{By: vaultrpc.As(s.me), ID: on, Revision: 1, Name: &name})
	refused(t, "a stale change", err, hotcell.ErrStale, "current version is 2")
	refused(t, "a stale delete", s.control.DeleteAssignment(ctx, &vaultrpc.AssignmentRequest{By: vaultrpc.As(s.me), ID: on, Revision: 1}), hotcell.ErrStale, "current version is 2")
	list, err := s.control.Assignments(ctx, &vaultrpc.AssignmentsRequest{By: vaultrpc.As(s.m)})
	if err != nil || len(list.Assignments) != 1 || list.Assignments[0].Name != name {
		t.Errorf("%+v, %v", list, err)
	}
	must(t, s.control.DeleteAssignment(ctx, &vaultrpc.AssignmentRequest{By: vaultrpc.As(s.me), ID: on, Revision: 2}))
	shown, err := s.control.Credential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID})
	if err != nil || len(shown.Attachments) != 0 {
		t.Errorf("its secret: %+v, %v", shown, err)
	}
	refused(t, "again", s.control.DeleteAssignment(ctx, &vaultrpc.AssignmentRequest{By: vaultrpc.As(s.me), ID: on}), hotcell.ErrNotFound, "")
}

func TestRulesOfAnAssignment(t *testing.T) {
	t.Parallel()
	s := setup(t)
	allow := func(host string, port int, protocol hotcell.Protocol) hotcell.Work {
		return hotcell.Work{Command: "true", Allow: []hotcell.Allow{{Host: host, Port: port, Protocol: protocol}}}
	}
	for what, work := range map[string]hotcell.Work{
		"a command of white space":   {Command: " \n"},
		"a command with NUL":         {Command: "a\x00b"},
		"a command of 64 KiB":        {Command: string(make([]byte, 64<<10+1))},
		"files that are no digest":   {Command: "true", Files: &hotcell.Files{Digest: "../../etc/passwd", Size: 1}},
		"a host in capitals":         allow("API.acme.test", 443, hotcell.ProtocolHTTPS),
		"a host that is a pattern":   allow("*.acme.test", 443, hotcell.ProtocolHTTPS),
		"a host that is a URL":       allow("https://acme.test/", 443, hotcell.ProtocolHTTPS),
		"no host":                    allow("", 443, hotcell.ProtocolHTTPS),
		"no port":                    allow("acme.test", 0, hotcell.ProtocolHTTPS),
		"a port too high":            allow("acme.test", 65536, hotcell.ProtocolHTTPS),
		"a protocol of nobody's":     allow("acme.test", 443, "gopher"),
		"a reserved variable":        {Command: "true", Environment: map[string]string{"LD_PRELOAD": "x"}},
		"a reserved prefix":          {Command: "true", Environment: map[string]string{"HOTCELL_JOB": "x"}},
		"a proxy":                    {Command: "true", Environment: map[string]string{"https_proxy": "x"}},
		"a variable that is no name": {Command: "true", Environment: map[string]string{"A=B": "x"}},
		"a variable with NUL":        {Command: "true", Environment: map[string]string{"A": "x\x00"}},
		"a time limit of a blink":    {Command: "true", Limits: hotcell.Limits{Timeout: 1}},
		"a time limit below nothing": {Command: "true", Limits: hotcell.Limits{Timeout: -1}},
		"a memory limit below need":  {Command: "true", Limits: hotcell.Limits{Memory: 1}},
		"memory below nothing":       {Command: "true", Limits: hotcell.Limits{Memory: -1}},
		"processes below nothing":    {Command: "true", Limits: hotcell.Limits{Pids: -1}},
	} {
		_, err := s.control.CreateAssignment(t.Context(), &vaultrpc.CreateAssignmentRequest{By: vaultrpc.As(s.me), Name: "report", Work: work})
		refused(t, what, err, hotcell.ErrInvalid, "work")
	}
}

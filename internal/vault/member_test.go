package vault_test

import (
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// What is personal to somebody else is not there, whatever is asked of it.
func TestAPersonalSecretIsNotThereForOthers(t *testing.T) {
	t.Parallel()
	s := setup(t)
	theirs := s.secret(s.b, "bertas", "BERTAS_VARIABLE", s.plant("b"))
	name := "taken over"
	for _, p := range []hotcell.Principal{s.me, s.m} {
		ctx := t.Context()
		_, err := s.control.Credential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(p), ID: theirs.ID})
		refused(t, "show", err, hotcell.ErrNotFound, "not found")
		_, err = s.change(&vaultrpc.ChangeSecretRequest{By: vaultrpc.As(p), ID: theirs.ID, Name: &name})
		refused(t, "change", err, hotcell.ErrNotFound, "not found")
		_, err = s.set(p, theirs.ID, 0, "B", "mine")
		refused(t, "set", err, hotcell.ErrNotFound, "not found")
		_, err = s.set(p, theirs.ID, 9, "B", "mine")
		refused(t, "set of a wrong revision", err, hotcell.ErrNotFound, "not found")
		for _, shared := range []bool{true, false} {
			_, err = s.control.ShareCredential(ctx, &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(p), ID: theirs.ID, Shared: shared})
			refused(t, "share", err, hotcell.ErrNotFound, "not found")
		}
		refused(t, "delete", s.control.DeleteCredential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(p), ID: theirs.ID}), hotcell.ErrNotFound, "not found")
		list, err := s.control.Credentials(ctx, &vaultrpc.CredentialsRequest{By: vaultrpc.As(p)})
		if err != nil || len(list.Credentials) != 0 {
			t.Errorf("list: %v, %v", list, err)
		}
	}
	_, err := s.attach(s.me, s.assignment(s.me, "report"), theirs.ID)
	refused(t, "attach", err, hotcell.ErrNotFound, "not found")
	for _, e := range s.events(hotcell.EventFilter{Decision: hotcell.Refused}) {
		if e.Credential != theirs.ID || e.Reason != "told not found: it is personal to somebody else" {
			t.Errorf("recorded as %+v", e)
		}
	}
	if n := len(s.refusals()); n != 15 {
		t.Errorf("%d refusals are recorded: %v", n, s.refusals())
	}
	shown, err := s.control.Credential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.b), ID: theirs.ID})
	if err != nil || shown.Credential.Revision != 1 {
		t.Errorf("after that it is %+v, %v", shown, err)
	}
}

// An answer for what is another's must not differ from that for what never was.
func TestNotThereLooksLikeNeverThere(t *testing.T) {
	t.Parallel()
	s := setup(t)
	theirs := s.secret(s.b, "bertas", "A", s.plant("b"))
	for _, id := range []hotcell.CredentialID{theirs.ID, "sec_never"} {
		_, err := s.control.Credential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: id})
		if err == nil || err.Error() != "not found" {
			t.Errorf("%s: %v", id, err)
		}
		_, err = s.attach(s.me, s.assignment(s.me, "for "+string(id)), id)
		if err == nil || err.Error() != "the credential: not found" && err.Error() != "not found" {
			t.Errorf("%s: %v", id, err)
		}
	}
	_, mine := s.attach(s.me, s.assignment(s.me, "a"), theirs.ID)
	_, never := s.attach(s.me, s.assignment(s.me, "b"), "sec_never")
	if mine == nil || never == nil || mine.Error() != never.Error() {
		t.Errorf("attach tells %q from %q", mine, never)
	}
}

// Who may see what they did must not learn there what they may not know.
func TestTheLogTellsNobodyWhatIsHiddenFromThem(t *testing.T) {
	t.Parallel()
	s := setup(t)
	boss := s.member("mem_boss", "Max", hotcell.RoleManager)
	theirs := s.secret(s.me, "olgas-acquisition", "A", s.plant("a"))
	on := s.assignment(s.b, "report")
	_, err := s.attach(s.b, on, theirs.ID)
	refused(t, "attach", err, hotcell.ErrNotFound, "")
	mine := s.assignment(s.me, "olgas")
	at, err := s.attach(s.me, mine, theirs.ID)
	must(t, err)
	job := s.run(s.me, mine)
	for range 3 { // more than a page
		refused(t, "delete", s.control.DeleteCredential(t.Context(), &vaultrpc.CredentialRequest{By: vaultrpc.As(s.b), ID: theirs.ID}), hotcell.ErrNotFound, "")
		refused(t, "cancel", s.control.CancelJob(t.Context(), &vaultrpc.CancelJobRequest{By: vaultrpc.As(s.b), Job: job}), hotcell.ErrNotFound, "")
		refused(t, "detach", s.control.Detach(t.Context(), &vaultrpc.DetachRequest{By: vaultrpc.As(s.b), Attachment: at}), hotcell.ErrDenied, "takes the role")
	}
	own := s.secret(boss, "mine", "A", s.plant("b"))
	_, err = s.attach(boss, mine, own.ID)
	refused(t, "a variable twice", err, hotcell.ErrConflict, "a personal secret of a member is attached")
	must(t, s.control.Detach(t.Context(), &vaultrpc.DetachRequest{By: vaultrpc.As(boss), Attachment: at}))
	for _, p := range []hotcell.Principal{s.b, boss} {
		for _, ascending := range []bool{true, false} {
			seen := map[string]int{}
			filter := hotcell.EventFilter{Ascending: ascending, Limit: 2}
			for {
				page, err := s.control.Events(t.Context(), &vaultrpc.EventsRequest{By: vaultrpc.As(p), Filter: filter})
				must(t, err)
				for _, e := range page.Events {
					seen[e.Kind]++
					if e.Name == theirs.Name || e.Kind == "secret.delete" || e.Kind == "job.cancel" {
						t.Errorf("%s sees %+v", p.Member, e)
					}
					if ascending {
						filter.After = e.Sequence
					} else {
						filter.Before = e.Sequence
					}
				}
				if len(page.Events) < filter.Limit {
					break
				}
			}
			if p == s.b && (seen["attachment.delete"] != 3 || seen["assignment.create"] != 1) || p == boss && seen["attachment.delete"] != 1 {
				t.Errorf("%s sees %v", p.Member, seen)
			}
		}
	}
	if n := len(s.events(hotcell.EventFilter{Decision: hotcell.Refused, Member: s.b.Member})); n != 10 {
		t.Errorf("the owner sees %d of their refusals", n)
	}
}

func TestRolesInTheVault(t *testing.T) {
	t.Parallel()
	s := setup(t)
	shared := s.secret(s.me, "shared", "SHARED", s.plant("a"))
	s.share(s.me, shared.ID, true)
	on := s.assignment(s.me, "report", shared.ID)
	ctx := t.Context()
	for _, p := range []hotcell.Principal{s.b, s.m} {
		shown, err := s.control.Credential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(p), ID: shared.ID})
		if err != nil || shown.Credential.Variables[0].Name != "SHARED" {
			t.Errorf("a shared secret: %v", err)
		}
		_, err = s.set(p, shared.ID, 0, "SHARED", "mine")
		refused(t, "change of the workspace's", err, hotcell.ErrDenied, "takes the role manager")
		refused(t, "delete of the workspace's", s.control.DeleteCredential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(p), ID: shared.ID}), hotcell.ErrDenied, "takes the role manager")
		refused(t, "delete of another's assignment", s.control.DeleteAssignment(ctx, &vaultrpc.AssignmentRequest{By: vaultrpc.As(p), ID: on}), hotcell.ErrDenied, "takes the role manager")
		_, err = s.attach(p, on, shared.ID)
		refused(t, "attach to another's assignment", err, hotcell.ErrDenied, "takes the role")
		if s.leased(p, on)["SHARED"] == "" {
			t.Error("whoever may run it gets no shared secret")
		}
	}
	_, err := s.control.CreateAssignment(ctx, &vaultrpc.CreateAssignmentRequest{By: vaultrpc.As(s.m), Name: "monas", Work: hotcell.Work{Command: "true"}})
	refused(t, "a member's assignment", err, hotcell.ErrDenied, "takes the role builder")
	job := s.run(s.me, on)
	for _, p := range []hotcell.Principal{s.b, s.m} {
		refused(t, "cancel of another's job", s.control.CancelJob(ctx, &vaultrpc.CancelJobRequest{By: vaultrpc.As(p), Job: job}), hotcell.ErrNotFound, "not found")
	}
	must(t, s.control.CancelJob(ctx, &vaultrpc.CancelJobRequest{By: vaultrpc.As(s.me), Job: s.run(s.m, on)}))
	_, err = s.control.Events(ctx, &vaultrpc.EventsRequest{By: vaultrpc.As(s.m), Filter: hotcell.EventFilter{Member: s.me.Member}})
	refused(t, "another's events", err, hotcell.ErrDenied, "takes the role administrator")
	own, err := s.control.Events(ctx, &vaultrpc.EventsRequest{By: vaultrpc.As(s.m)})
	must(t, err)
	for _, e := range own.Events {
		if e.Member != s.m.Member {
			t.Errorf("a member sees %+v", e)
		}
	}
	if len(own.Events) == 0 {
		t.Error("a member sees nothing of what they did")
	}
}

// A job on behalf of somebody must not get what is personal to another, who
// attached it: not their values, and not their names.
func TestAPersonalSecretOnAnAssignmentIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	mine := s.secret(s.me, "olgas", "OLGAS_VARIABLE", s.plant("a"))
	on := s.assignment(s.me, "report", mine.ID)
	job := s.job(s.b, on)
	refused(t, "the start", s.begin(job), hotcell.ErrDenied,
		"a secret on this assignment is personal to another member, and the job runs on behalf of Berta: it must be shared, or replaced by one of theirs")
	_, err := s.lease(job)
	refused(t, "the lease", err, hotcell.ErrDenied, "Berta")
	shown, err := s.control.Assignment(t.Context(), &vaultrpc.AssignmentRequest{By: vaultrpc.As(s.b), ID: on})
	must(t, err)
	if len(shown.Attachments) != 1 || shown.Attachments[0].Name != "" || shown.Attachments[0].Variables != nil {
		t.Errorf("another sees %+v", shown.Attachments)
	}
	shown, err = s.control.Assignment(t.Context(), &vaultrpc.AssignmentRequest{By: vaultrpc.As(s.me), ID: on})
	must(t, err)
	if shown.Attachments[0].Name != "olgas" || shown.Attachments[0].Variables[0] != "OLGAS_VARIABLE" {
		t.Errorf("its owner sees %+v", shown.Attachments)
	}
}

func TestWhoIsNoMemberIsDeniedAndRecorded(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.secret(s.me, "billing", "A", s.plant("a"))
	s.share(s.me, secret.ID, true)
	on := s.assignment(s.me, "report", secret.ID)
	for _, p := range []hotcell.Principal{
		{Workspace: s.me.Workspace, Member: "mem_nobody", Via: "test"}, {Workspace: s.me.Workspace, Via: "test"},
		{Workspace: "wsp_other", Member: s.me.Member, Via: "test"}, {Member: s.me.Member, Via: "test"},
	} {
		ctx, p := t.Context(), s.judged(p)
		calls := map[string]func() error{
			"credential.list": func() error {
				_, err := s.control.Credentials(ctx, &vaultrpc.CredentialsRequest{By: vaultrpc.As(p)})
				return err
			},
			"credential.show": func() error {
				_, err := s.control.Credential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(p), ID: secret.ID})
				return err
			},
			"credential.delete": func() error {
				return s.control.DeleteCredential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(p), ID: secret.ID})
			},
			"assignment.list": func() error {
				_, err := s.control.Assignments(ctx, &vaultrpc.AssignmentsRequest{By: vaultrpc.As(p)})
				return err
			},
			"attachment.create": func() error { _, err := s.attach(p, on, secret.ID); return err },
			"job.create": func() error {
				_, err := s.control.CreateJob(ctx, &vaultrpc.CreateJobRequest{By: vaultrpc.As(p), Assignment: on, Job: "job_forged"})
				return err
			},
			"audit.list": func() error {
				_, err := s.control.Events(ctx, &vaultrpc.EventsRequest{By: vaultrpc.As(p)})
				return err
			},
			"audit.verify": func() error {
				_, err := s.control.VerifyEvents(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
				return err
			},
		}
		for kind, call := range calls {
			before := len(s.events(hotcell.EventFilter{Decision: hotcell.Refused, Kind: kind}))
			refused(t, kind, call(), hotcell.ErrDenied, "you are not a member")
			if after := s.events(hotcell.EventFilter{Decision: hotcell.Refused, Kind: kind}); len(after) != before+1 {
				t.Errorf("%s as %+v: %d refusals became %d", kind, p, before, len(after))
			}
		}
	}
}

func TestAnotherWorkspacesThingsAreNotThere(t *testing.T) {
	t.Parallel()
	s := setup(t)
	must(t, s.store.Update(t.Context(), func(w hotcell.VaultWriter) error {
		for _, err := range []error{
			w.PutWorkspace(hotcell.Workspace{ID: "wsp_other", Name: "Other"}),
			w.PutCredential(hotcell.Credential{ID: "sec_other", Workspace: "wsp_other", Tier: hotcell.TierSecret, Name: "other", Owner: s.me.Member, Shared: true, Version: 1, Revision: 1}),
			w.PutAssignment(hotcell.Assignment{ID: "asg_other", Workspace: "wsp_other", Owner: s.me.Member, Name: "other", Revision: 1}),
			w.PutAttachment(hotcell.Attachment{ID: "att_other", Workspace: "wsp_other", Assignment: "asg_other", Credential: "sec_other"}),
			w.PutGrant(hotcell.Grant{Job: "job_other", Workspace: "wsp_other", Assignment: "asg_other", Principal: s.me.Member, State: hotcell.GrantPending}),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	}))
	ctx, p := t.Context(), s.me
	on, name := s.assignment(p, "report"), "x"
	_, show := s.control.Credential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(p), ID: "sec_other"})
	_, change := s.change(&vaultrpc.ChangeSecretRequest{By: vaultrpc.As(p), ID: "sec_other", Name: &name})
	_, share := s.control.ShareCredential(ctx, &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(p), ID: "sec_other"})
	_, attach := s.attach(p, on, "sec_other")
	_, attachThere := s.attach(p, "asg_other", "sec_other")
	_, showAssignment := s.control.Assignment(ctx, &vaultrpc.AssignmentRequest{By: vaultrpc.As(p), ID: "asg_other"})
	_, changeAssignment := s.control.ChangeAssignment(ctx, &vaultrpc.ChangeAssignmentRequest{By: vaultrpc.As(p), ID: "asg_other", Name: &name})
	_, run := s.control.CreateJob(ctx, &vaultrpc.CreateJobRequest{By: vaultrpc.As(p), Assignment: "asg_other", Job: "job_x"})
	for what, err := range map[string]error{
		"show": show, "change": change, "share": share, "attach": attach, "attach there": attachThere,
		"show assignment": showAssignment, "change assignment": changeAssignment, "run": run,
		"delete":            s.control.DeleteCredential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(p), ID: "sec_other"}),
		"delete assignment": s.control.DeleteAssignment(ctx, &vaultrpc.AssignmentRequest{By: vaultrpc.As(p), ID: "asg_other"}),
		"detach":            s.control.Detach(ctx, &vaultrpc.DetachRequest{By: vaultrpc.As(p), Attachment: "att_other"}),
		"cancel":            s.control.CancelJob(ctx, &vaultrpc.CancelJobRequest{By: vaultrpc.As(p), Job: "job_other"}),
	} {
		refused(t, what, err, hotcell.ErrNotFound, "not found")
	}
	list, err := s.control.Credentials(ctx, &vaultrpc.CredentialsRequest{By: vaultrpc.As(p)})
	if err != nil || len(list.Credentials) != 0 {
		t.Errorf("list: %v, %v", list, err)
	}
}

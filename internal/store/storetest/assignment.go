package storetest

import (
	"fmt"
	"testing"
	"time"

	"hotcell"
)

func assignment(id, name string) hotcell.Assignment {
	return hotcell.Assignment{
		ID: hotcell.AssignmentID(id), Workspace: here, Owner: "mem_ann", Name: name, Revision: 1,
		Work: hotcell.Work{
			Command: "python3 report.py <&>", Files: &hotcell.Files{Digest: "ab", Size: 2},
			Allow:       []hotcell.Allow{{Host: "api.acme.test", Port: 8443, Protocol: hotcell.ProtocolHTTPS}},
			Limits:      hotcell.Limits{Timeout: hotcell.Duration(10 * time.Minute), Memory: 1, Disk: 2, Pids: 3},
			Environment: map[string]string{"A": "b"},
		},
		CreatedAt: start, UpdatedAt: start,
	}
}

func testAssignments(t *testing.T, s hotcell.VaultStore) {
	a := assignment("asg_1", "report")
	write(t, s, func(w hotcell.VaultWriter) error {
		for i := range 4 {
			ok(t, "PutAssignment", w.PutAssignment(assignment(fmt.Sprintf("asg_x%d", i), fmt.Sprintf("other%d", 4-i))))
		}
		other := a
		other.ID, other.Workspace = "asg_there", there
		ok(t, "the same name in another workspace", w.PutAssignment(other))
		return w.PutAssignment(a)
	})
	get := func(r hotcell.VaultReader) (hotcell.Assignment, error) { return r.Assignment(here, "asg_1") }
	want(t, "assignment", must(t, s, get), a)
	_, err := read(t, s, func(r hotcell.VaultReader) (hotcell.Assignment, error) { return r.Assignment(there, "asg_1") })
	wantError(t, "another workspace's assignment", err, hotcell.ErrNotFound)
	err = s.Update(t.Context(), func(w hotcell.VaultWriter) error { return w.PutAssignment(assignment("asg_2", "report")) })
	wantError(t, "a name that is taken", err, hotcell.ErrConflict)
	list := func(name string, p hotcell.Page) []string {
		return names(must(t, s, func(r hotcell.VaultReader) ([]hotcell.Assignment, error) { return r.Assignments(here, name, p) }),
			func(a hotcell.Assignment) string { return a.Name })
	}
	want(t, "by name", list("report", hotcell.Page{}), []string{"report"})
	want(t, "first page", list("", hotcell.Page{Limit: 3}), []string{"other1", "other2", "other3"})
	want(t, "second page", list("", hotcell.Page{Limit: 3, After: "asg_x1"}), []string{"other4", "report"})
}

func testAttachments(t *testing.T, s hotcell.VaultStore) {
	attach := func(id, asg, cred string, age int) error {
		return s.Update(t.Context(), func(w hotcell.VaultWriter) error {
			return w.PutAttachment(hotcell.Attachment{
				ID: hotcell.AttachmentID(id), Workspace: here, Assignment: hotcell.AssignmentID(asg),
				Credential: hotcell.CredentialID(cred), As: hotcell.InjectEnvironment, CreatedBy: "mem_ann",
				CreatedAt: start.Add(-time.Duration(age) * time.Nanosecond),
			})
		})
	}
	write(t, s, func(w hotcell.VaultWriter) error {
		for i := range 2 {
			ok(t, "PutAssignment", w.PutAssignment(assignment(fmt.Sprintf("asg_%d", i), fmt.Sprint(i))))
			ok(t, "PutCredential", w.PutCredential(credential(fmt.Sprintf("sec_%d", i), fmt.Sprint(i))))
		}
		foreign := credential("sec_there", "there")
		foreign.Workspace = there
		return w.PutCredential(foreign)
	})
	ok(t, "attach", attach("att_1", "asg_0", "sec_0", 0))
	ok(t, "attach", attach("att_2", "asg_0", "sec_1", 10))
	ok(t, "attach", attach("att_3", "asg_1", "sec_0", 5))
	wantError(t, "attaching twice", attach("att_4", "asg_0", "sec_0", 0), hotcell.ErrConflict)
	wantError(t, "attaching to nothing", attach("att_5", "asg_9", "sec_0", 0), hotcell.ErrNotFound)
	wantError(t, "attaching another workspace's", attach("att_6", "asg_0", "sec_there", 0), hotcell.ErrNotFound)
	list := func(ws hotcell.WorkspaceID, asg hotcell.AssignmentID, cred hotcell.CredentialID) []string {
		return names(must(t, s, func(r hotcell.VaultReader) ([]hotcell.Attachment, error) { return r.Attachments(ws, asg, cred) }),
			func(a hotcell.Attachment) string { return string(a.ID) })
	}
	want(t, "all by age", list(here, "", ""), []string{"att_2", "att_3", "att_1"})
	want(t, "of an assignment", list(here, "asg_0", ""), []string{"att_2", "att_1"})
	want(t, "of a credential", list(here, "", "sec_0"), []string{"att_3", "att_1"})
	want(t, "of both", list(here, "asg_1", "sec_0"), []string{"att_3"})
	want(t, "another workspace's", list(there, "asg_0", ""), []string{})
	write(t, s, func(w hotcell.VaultWriter) error {
		wantError(t, "detaching another workspace's", w.DeleteAttachment(there, "att_2"), hotcell.ErrNotFound)
		wantError(t, "deleting another workspace's", w.DeleteAssignment(there, "asg_0"), hotcell.ErrNotFound)
		ok(t, "DeleteAttachment", w.DeleteAttachment(here, "att_2"))
		return w.DeleteAssignment(here, "asg_0")
	})
	want(t, "after the assignment went", list(here, "", ""), []string{"att_3"})
	_, err := read(t, s, func(r hotcell.VaultReader) (hotcell.Attachment, error) { return r.Attachment(here, "att_1") })
	wantError(t, "a deleted assignment's attachment", err, hotcell.ErrNotFound)
}

func testGrants(t *testing.T, s hotcell.VaultStore) {
	ended := start.Add(time.Hour)
	grant := func(job string, state hotcell.GrantState, creds ...hotcell.CredentialID) hotcell.Grant {
		g := hotcell.Grant{
			Job: hotcell.JobID(job), Workspace: here, Assignment: "asg_1", Principal: "mem_ann", State: state, Leased: true,
			Allow: []hotcell.Allow{{Host: "h", Port: 1, Protocol: hotcell.ProtocolTCP}}, CreatedAt: start, EndedAt: &ended,
		}
		for _, c := range creds {
			g.Uses = append(g.Uses, hotcell.Use{Attachment: "att_1", Credential: c, Version: 2, As: hotcell.InjectEnvironment})
		}
		return g
	}
	live, other := grant("job_1", hotcell.GrantLive, "sec_1", "sec_2"), grant("job_3", hotcell.GrantLive, "sec_1")
	other.Workspace = there
	write(t, s, func(w hotcell.VaultWriter) error {
		ok(t, "PutGrant", w.PutGrant(other))
		ok(t, "PutGrant", w.PutGrant(grant("job_2", hotcell.GrantPending)))
		ok(t, "PutGrant", w.PutGrant(grant("job_4", hotcell.GrantDead, "sec_1")))
		return w.PutGrant(live)
	})
	want(t, "grant", must(t, s, func(r hotcell.VaultReader) (hotcell.Grant, error) { return r.Grant(here, "job_1") }), live)
	want(t, "grant of a job", must(t, s, func(r hotcell.VaultReader) (hotcell.Grant, error) { return r.GrantOf("job_3") }), other)
	_, err := read(t, s, func(r hotcell.VaultReader) (hotcell.Grant, error) { return r.Grant(there, "job_1") })
	wantError(t, "another workspace's grant", err, hotcell.ErrNotFound)
	list := func(ws hotcell.WorkspaceID, cred hotcell.CredentialID) []string {
		return names(must(t, s, func(r hotcell.VaultReader) ([]hotcell.Grant, error) { return r.Grants(ws, cred) }),
			func(g hotcell.Grant) string { return string(g.Job) })
	}
	want(t, "not dead", list(here, ""), []string{"job_1", "job_2"})
	want(t, "that use one", list(here, "sec_1"), []string{"job_1"})
	want(t, "everywhere", list("", "sec_1"), []string{"job_1", "job_3"})
	live.State, live.Reason = hotcell.GrantDead, "the job has ended"
	write(t, s, func(w hotcell.VaultWriter) error { return w.PutGrant(live) })
	want(t, "after one died", list(here, ""), []string{"job_2"})
}

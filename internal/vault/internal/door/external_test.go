package door_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/policy/access"
	"hotcell/internal/vault/internal/door"
)

// assign makes an assignment with a credential attached so.
func assign(t *testing.T, v *door.Vault, id hotcell.AssignmentID, as ...hotcell.Injection) {
	t.Helper()
	p := v.Local()
	on := hotcell.Assignment{ID: id, Workspace: p.Workspace, Owner: p.Member, Name: string(id), Revision: 1, Work: hotcell.Work{Command: "true"}}
	must(t, v.Change(t.Context(), p, hotcell.Event{Kind: "assignment.create"}, func(a *door.Act) error {
		if err := errors.Join(a.Permit(access.CreateAssignment, access.OfAssignment(on)), a.PutAssignment(on)); err != nil {
			return err
		}
		for i, way := range as {
			c := secretOf(p)
			c.ID, c.Name = hotcell.CredentialID(string(id)+string(rune('a'+i))), string(id)+string(rune('a'+i))
			at := hotcell.Attachment{ID: hotcell.AttachmentID("att_" + string(c.ID)), Workspace: p.Workspace, Assignment: id, Credential: c.ID, As: way, CreatedBy: p.Member}
			if err := errors.Join(a.PutCredential(c), a.PutAttachment(at)); err != nil {
				return err
			}
		}
		return nil
	}))
}

func TestAnExternalJobsTokenIsKeptAsItsHashAlone(t *testing.T) {
	t.Parallel()
	f := place(t)
	v, store := f.open(t)
	p := v.Local()
	assign(t, v, "asg_tools", hotcell.InjectTools)
	job := hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	_, token, err := v.CreateJob(t.Context(), p, "asg_tools", job, time.Hour)
	must(t, err)
	if of, ok := hotcell.JobOf(token); !ok || of != job {
		t.Fatalf("the token is of %q", of)
	}
	must(t, store.View(t.Context(), func(r hotcell.VaultReader) error {
		grant, err := r.GrantOf(job)
		sum := sha256.Sum256([]byte(token))
		if err != nil || !bytes.Equal(grant.Token, sum[:]) || grant.Expires == nil {
			t.Errorf("the grant %+v, %v", grant, err)
		}
		events, err := r.Events(p.Workspace, hotcell.EventFilter{})
		text, _ := json.Marshal(append([]any{grant}, events))
		if err != nil || strings.Contains(string(text), token[30:]) {
			t.Errorf("it is kept: %s, %v", text, err)
		}
		return nil
	}))
	_, none, err := v.CreateJob(t.Context(), p, "asg_tools", "job_in_a_cell", 0)
	if err != nil || none != "" {
		t.Errorf("a job in a cell has the token %q, %v", none, err)
	}
}

func TestAnExternalJobGetsNoSecret(t *testing.T) {
	t.Parallel()
	v, _ := place(t).open(t)
	assign(t, v, "asg_env", hotcell.InjectTools, hotcell.InjectEnvironment)
	assign(t, v, "asg_standin", hotcell.InjectStandIn)
	assign(t, v, "asg_http", hotcell.InjectHTTP)
	assign(t, v, "asg_none")
	for on, sentence := range map[hotcell.AssignmentID]string{
		"asg_env": "secrets go into a cell", "asg_standin": "secrets go into a cell", "asg_http": "attach a connection with --tools", "asg_none": "attach a connection with --tools",
	} {
		_, token, err := v.CreateJob(t.Context(), v.Local(), on, hotcell.JobID("job_"+string(on)), time.Hour)
		if !errors.Is(err, hotcell.ErrDenied) || !strings.Contains(err.Error(), sentence) || token != "" {
			t.Errorf("%s: %q, %v", on, token, err)
		}
	}
}

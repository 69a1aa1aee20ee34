package vault_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
)

// asking is a job of p that has asked for a login.
func (d *desk) asking(p hotcell.Principal, on hotcell.AssignmentID) (hotcell.JobID, hotcell.Request) {
	d.t.Helper()
	job := d.run(p, on)
	out, err := d.worker.AskLogin(d.t.Context(), &vaultrpc.AskLoginRequest{Job: job, AskLogin: cellrpc.AskLogin{Origin: origin, Why: "to read the invoices"}})
	must(d.t, err)
	return job, out.Request
}

// has are the user names of the logins that a job has for the site.
func (d *desk) has(job hotcell.JobID) (names string) {
	d.t.Helper()
	out, err := d.worker.Logins(d.t.Context(), &vaultrpc.LoginsRequest{Job: job, LoginsRequest: cellrpc.LoginsRequest{Origin: origin}})
	must(d.t, err)
	for _, l := range out.Logins {
		names += l.Username + " "
	}
	return strings.TrimSpace(names)
}

func TestALinkAnswersARequestOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hotcell.Narrowing{})
	ctx := t.Context()
	// A member's own job: they may not change the assignment, and need not.
	on := d.assignment(d.me, "asks")
	job, q := d.asking(d.m, on)
	if _, err := d.control.LinkAsked(ctx, &vaultrpc.LinkAskedRequest{By: vaultrpc.As(d.b), ID: q.ID}); err == nil {
		t.Error("somebody else gets the link")
	}
	made, err := d.control.LinkAsked(ctx, &vaultrpc.LinkAskedRequest{By: vaultrpc.As(d.m), ID: q.ID})
	must(t, err)
	asked, err := d.control.AskedLogin(ctx, &vaultrpc.AskedRequest{Token: made.Token})
	must(t, err)
	if asked.Site != "example.com" || asked.Assignment != "asks" || asked.Member != "Mona" || asked.Why != "to read the invoices" || asked.Item != string(q.ID) || string(asked.PublicKey) != string(d.key.Bytes()) {
		t.Errorf("it says %+v", asked)
	}
	id, rest, _ := strings.Cut(made.Token, ".")
	later, mac, _ := strings.Cut(rest, ".")
	answer := func(token, item string, values ...string) error {
		return d.control.AnswerLogin(ctx, &vaultrpc.AnswerRequest{Token: token, Username: "mona", Fields: d.sealedLogin(item, values...)})
	}
	password := d.plant("monas")
	for name, token := range map[string]string{"longer": id + "." + later + "0." + mac, "of another": hotcell.NewID(hotcell.PrefixAsk) + "." + rest, "cut": made.Token[:len(made.Token)-1], "none": "", "id alone": id} {
		refused(t, name, answer(token, string(q.ID), "password", password), hotcell.ErrNotFound, "no such link")
	}
	if err := answer(made.Token, "another item", "password", password); err == nil {
		t.Error("a value that was sealed for something else is taken")
	}
	if err := answer(made.Token, string(q.ID)); err == nil {
		t.Error("nothing is an answer")
	}
	if d.has(job) != "" {
		t.Fatalf("before it was answered, the job has %s", d.has(job))
	}
	must(t, answer(made.Token, string(q.ID), "password", password))
	if got := d.has(job); got != "mona" {
		t.Errorf("the job has %q", got)
	}
	refused(t, "a second time", answer(made.Token, string(q.ID), "password", d.plant("again")), hotcell.ErrNotFound, "no such link")
	if _, err := d.control.AskedLogin(ctx, &vaultrpc.AskedRequest{Token: made.Token}); err == nil {
		t.Error("it is shown still")
	}
	// It is personal, for this job, and on no assignment.
	list, err := d.control.Credentials(ctx, &vaultrpc.CredentialsRequest{By: vaultrpc.As(d.m), Tier: hotcell.TierLogin})
	must(t, err)
	if len(list.Credentials) != 1 || list.Credentials[0].Shared || list.Credentials[0].Owner != d.m.Member {
		t.Errorf("made: %+v", list.Credentials)
	}
	shown, err := d.control.Assignment(ctx, &vaultrpc.AssignmentRequest{By: vaultrpc.As(d.me), ID: on})
	must(t, err)
	if len(shown.Attachments) != 0 {
		t.Errorf("attached: %+v", shown.Attachments)
	}
	if got := d.has(d.run(d.m, on)); got != "" {
		t.Errorf("the next job has %q", got)
	}
	for _, kind := range []string{"request.link", "login.create", "request.approve"} {
		if !slices.ContainsFunc(d.events(hotcell.EventFilter{Member: d.m.Member}), func(e hotcell.Event) bool {
			return e.Kind == kind && e.Decision == hotcell.Allowed && (kind == "login.create" || e.Job == job)
		}) {
			t.Errorf("the log tells of no %s", kind)
		}
	}
}

func TestALinkRunsOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hotcell.Narrowing{})
	_, q := d.asking(d.me, d.assignment(d.me, "asks"))
	made, err := d.control.LinkAsked(t.Context(), &vaultrpc.LinkAskedRequest{By: vaultrpc.As(d.me), ID: q.ID})
	must(t, err)
	d.ticks.Add(int64(16 * time.Minute / time.Millisecond))
	_, err = d.control.AskedLogin(t.Context(), &vaultrpc.AskedRequest{Token: made.Token})
	refused(t, "after fifteen minutes", err, hotcell.ErrNotFound, "no such link")
	// One whose job has ended is over too.
	job, q := d.asking(d.me, d.assignment(d.me, "asks too"))
	made, err = d.control.LinkAsked(t.Context(), &vaultrpc.LinkAskedRequest{By: vaultrpc.As(d.me), ID: q.ID})
	must(t, err)
	d.end(job)
	_, err = d.control.AskedLogin(t.Context(), &vaultrpc.AskedRequest{Token: made.Token})
	refused(t, "after the job", err, hotcell.ErrNotFound, "no such link")
}

func TestAnAnswerThatCannotBeIsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, hotcell.Narrowing{})
	ctx := t.Context()
	_, q := d.asking(d.me, d.assignment(d.me, "asks"))
	name := "a login for nothing"
	_, err := d.control.CreateLogin(ctx, &vaultrpc.CreateLoginRequest{By: vaultrpc.As(d.me), Name: name, Site: "other.example", Username: "ada", Fields: d.sealedLogin(name, "password", d.plant("x")), Request: q.ID})
	refused(t, "a login of another site", err, hotcell.ErrInvalid, "no login for the site")
	list, err := d.control.Credentials(ctx, &vaultrpc.CredentialsRequest{By: vaultrpc.As(d.me), Tier: hotcell.TierLogin})
	must(t, err)
	for _, c := range list.Credentials {
		if c.Name == name {
			t.Error("it was made all the same")
		}
	}
	// The same name again is no conflict then, and answers.
	made, err := d.control.CreateLogin(ctx, &vaultrpc.CreateLoginRequest{By: vaultrpc.As(d.me), Name: name, Site: "example.com", Username: "eve", Fields: d.sealedLogin(name, "password", d.plant("y")), Request: q.ID})
	must(t, err)
	if got, err := d.control.Request(ctx, &vaultrpc.RequestRequest{By: vaultrpc.As(d.me), ID: q.ID}); err != nil || got.Request.State != hotcell.RequestApproved {
		t.Errorf("%+v, %v", got, err)
	}
	// What was given to one job ends with the login.
	must(t, d.control.DeleteCredential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(d.me), ID: made.Credential.ID}))
	if _, err := d.worker.Logins(ctx, &vaultrpc.LoginsRequest{Job: q.Job, LoginsRequest: cellrpc.LoginsRequest{Origin: origin}}); err == nil {
		t.Error("the job goes on with a login that was deleted")
	}
}

package vault_test

import (
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
	"hotcell/internal/vault"
	"hotcell/test/acme/keys"
)

// kept is a vault whose key a service has, and the clock that it goes by.
type kept struct {
	*scene
	twin *keys.Transit
	// on wakes who waits.
	on chan time.Time
	// later is how far the clock was moved, in nanoseconds.
	later *atomic.Int64
}

func setupKept(t *testing.T, further ...func(*vault.Config)) *kept {
	t.Helper()
	k := &kept{twin: keys.NewTransit(), on: make(chan time.Time), later: &atomic.Int64{}}
	server := httptest.NewServer(k.twin)
	t.Cleanup(server.Close)
	name := "hcvault://" + strings.TrimPrefix(server.URL, "http://") + "/transit/keys/hotcell?tls=off"
	k.scene = setupWith(t, func(c *vault.Config) {
		now := c.Now
		c.KeyURL, c.KeyEnvironment = name, vault.GatherKey(name, map[string]string{"VAULT_TOKEN": k.twin.Token})
		c.Now = func() time.Time { return now().Add(time.Duration(k.later.Load())) }
		c.After = func(time.Duration) <-chan time.Time { return k.on }
		for _, f := range further {
			f(c)
		}
	})
	return k
}

// pass lets time go by, and what waits for it be done. Twice: who is woken the second
// time has done what it was woken for the first time.
func (k *kept) pass(d time.Duration) {
	k.later.Add(int64(d))
	k.on <- time.Time{}
	k.on <- time.Time{}
}

func (k *kept) problems() string {
	k.t.Helper()
	health, err := k.control.Health(k.t.Context())
	must(k.t, err)
	return strings.Join(health.Problems, "\n")
}

func TestKeysOfAServiceThatIsDownServeForAnHourAndThenNothingIsUsed(t *testing.T) {
	t.Parallel()
	k := setupKept(t)
	secret := k.secret(k.me, "billing", "A", k.plant("value"))
	on := k.assignment(k.me, "report", secret.ID)
	for range 1000 {
		if _, err := k.control.Workspace(t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(k.me)}); err != nil {
			t.Fatal(err)
		}
	}
	calls := k.twin.Calls("decrypt")
	k.twin.Fail(keys.Gone)
	k.pass(31 * time.Minute)
	if got := k.leased(k.me, on); len(got) != 1 {
		t.Errorf("while the keys are open: %d values", len(got))
	}
	if k.twin.Calls("decrypt") == calls {
		t.Error("the service was not asked at half of the time")
	}
	if p := k.problems(); !strings.Contains(p, "serve until") || !strings.Contains(p, "does not answer") {
		t.Errorf("health: %q", p)
	}
	k.secret(k.me, "while-it-is-open", "A", k.plant("more"))
	job := k.run(k.me, on)
	late := k.sealed("late", "A", k.plant("late"))

	k.pass(30 * time.Minute)
	const says = "the transit engine at 127.0.0.1"
	_, err := k.lease(job)
	refused(t, "a lease", err, hotcell.ErrUnavailable, says)
	refused(t, "a new secret", k.create("late", late...), hotcell.ErrUnavailable, says)
	if p := k.problems(); !strings.Contains(p, "closed") || !strings.Contains(p, "does not answer") {
		t.Errorf("health: %q", p)
	}
	// What takes no key goes on.
	if _, err := k.control.Workspace(t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(k.me)}); err != nil {
		t.Errorf("the workspace: %v", err)
	}
	if len(k.events(hotcell.EventFilter{})) == 0 {
		t.Error("the log is not to be seen")
	}
	for _, r := range k.refusals() {
		if strings.Contains(r, "does not open") || strings.Contains(r, "tamper") {
			t.Errorf("an outage is told as tampering: %s", r)
		}
	}

	// It heals by itself, and the job's one delivery was not used up.
	k.twin.Fail(keys.Well)
	k.pass(time.Minute)
	if p := k.problems(); p != "" {
		t.Errorf("health, when the service is back: %q", p)
	}
	if got, err := k.lease(job); err != nil || len(got) != 1 {
		t.Errorf("the lease, when the service is back: %d, %v", len(got), err)
	}
	k.checkKeyEvents()
}

// checkKeyEvents holds the log against what was asked of the service.
func (k *kept) checkKeyEvents() {
	k.t.Helper()
	var told []string
	for _, e := range k.events(hotcell.EventFilter{}) {
		if e.Kind == "key.unwrap" {
			told = append(told, string(e.Decision)+" "+e.Reason)
			if !strings.HasPrefix(e.Name, "hcvault:127.0.0.1") {
				k.t.Errorf("the event names %q", e.Name)
			}
		}
	}
	if len(told) != 3 || !strings.Contains(told[1], "does not answer") || !strings.Contains(told[2], "answers again") {
		k.t.Errorf("the log tells of %q", told)
	}
}

func TestEachReasonWhyAServiceOpensNothingIsTold(t *testing.T) {
	t.Parallel()
	for trouble, says := range map[keys.Trouble]string{
		keys.CutOff: "cut off", keys.Throttled: "too many requests", keys.Broken: "sealed", keys.Garbage: "no answer", keys.Swapped: "something else than it was given",
		keys.Disabled: "min_decryption_version", keys.Deleted: "has no such key", keys.Denied: "policy", keys.Expired: "credentials",
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			k := setupKept(t)
			k.twin.Fail(trouble)
			k.pass(2 * time.Hour)
			late := k.sealed("late", "A", k.plant("late"))
			refused(t, "a new secret", k.create("late", late...), hotcell.ErrUnavailable, says)
			if p := k.problems(); !strings.Contains(p, says) {
				t.Errorf("health: %q", p)
			}
			k.twin.Fail(keys.Well)
			k.pass(time.Minute)
			must(t, k.create("late", late...))
		})
	}
}

// A vault is not opened by another key than its own, and says which it was.
func TestAVaultOfAServiceStartsAgainWithItsKeyOnly(t *testing.T) {
	t.Parallel()
	k := setupKept(t)
	secret := k.secret(k.me, "billing", "A", k.plant("value"))
	on := k.assignment(k.me, "report", secret.ID)
	pin := func() string {
		ws, err := k.control.Workspace(t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(k.me)})
		must(t, err)
		key, err := parcel.ParsePublic(ws.PublicKey)
		must(t, err)
		return string(key.Bytes())
	}
	before := pin()
	k.stop()
	k.start()
	if pin() != before || len(k.leased(k.me, on)) != 1 {
		t.Error("it is another vault")
	}
	k.stop()
	c := vault.Config{Owner: "Olga", Now: k.now}
	k.configure(&c)
	other := c
	other.KeyURL, other.KeyEnvironment = "awskms:///arn:aws:kms:eu-central-1:111122223333:key/1", nil
	if _, err := vault.TryKey(t.Context(), c, nil); err != nil {
		t.Errorf("its own key: %v", err)
	}
	if _, err := vault.TryKey(t.Context(), other, nil); err == nil {
		t.Error("a key without credentials works")
	}
	k.start()
}

package vault_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultclient"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
)

// What is not served on a line cannot be asked on it: a worker cannot speak as
// a person, and the control plane cannot take a lease.
func TestEachLineServesItsOwn(t *testing.T) {
	t.Parallel()
	s := setup(t)
	secret := s.secret(s.me, "billing", "A", s.plant("a"))
	on := s.assignment(s.me, "report", secret.ID)
	job := s.run(s.me, on)
	crossed := vaultclient.NewControl(s.line(s.daemon.Worker()))
	ctx := t.Context()
	_, local := crossed.Who(ctx, s.me)
	_, list := crossed.Credentials(ctx, &vaultrpc.CredentialsRequest{By: vaultrpc.As(s.me)})
	_, start := crossed.StartJob(ctx, &vaultrpc.StartJobRequest{Job: s.job(s.me, on)})
	_, attach := crossed.Attach(ctx, &vaultrpc.AttachRequest{By: vaultrpc.As(s.me), Assignment: on, Credential: secret.ID})
	for what, err := range map[string]error{
		"who": local, "list": list, "start": start, "attach": attach,
		"delete": crossed.DeleteCredential(ctx, &vaultrpc.CredentialRequest{By: vaultrpc.As(s.me), ID: secret.ID}),
		"end":    crossed.EndJob(ctx, &vaultrpc.EndJobRequest{Job: job}),
	} {
		if err == nil || errors.Is(err, hotcell.ErrNotFound) {
			t.Errorf("%s on a worker's line: %v", what, err)
		}
	}
	cell, err := parcel.Generate()
	must(t, err)
	worker := vaultclient.NewWorker(s.line(s.daemon.Control()))
	if _, _, err := worker.Lease(ctx, job, cell.Public().Bytes()); err == nil {
		t.Error("a lease on the control plane's line")
	}
	if err := worker.Watch(ctx, nil, func(vaultrpc.WatchAnswer) {}); err == nil {
		t.Error("a watch on the control plane's line")
	}
	if got, err := s.lease(job); err != nil || len(got) != 1 {
		t.Errorf("afterwards: %v", err)
	}
}

// moody is a store that panics or fails with a text that must stay inside.
type moody struct {
	hotcell.VaultStore
	mood *atomic.Int32
}

const inside = "CANARY-of-the-inside"

func (m moody) View(ctx context.Context, fn func(hotcell.VaultReader) error) error {
	switch m.mood.Load() {
	case 1:
		panic(inside)
	case 2:
		return errors.New(inside)
	}
	return m.VaultStore.View(ctx, fn)
}

func TestAPanicEndsOneCallAndItsTextStaysInside(t *testing.T) {
	t.Parallel()
	mood := &atomic.Int32{}
	s := setup(t, func(store hotcell.VaultStore) hotcell.VaultStore { return moody{store, mood} })
	mood.Store(1)
	_, err := s.control.Credentials(t.Context(), &vaultrpc.CredentialsRequest{By: vaultrpc.As(s.me)})
	if err == nil || strings.Contains(err.Error(), inside) || !strings.Contains(err.Error(), "internal error") {
		t.Errorf("a call that panics: %v", err)
	}
	for _, path := range []string{vaultrpc.Forward, vaultrpc.Connect} {
		fault, text := s.forwardedTo(path)
		if fault == "" || strings.Contains(text, inside) {
			t.Errorf("a job's request that panics on %s would be taken for its host's answer: fault %q, %s", path, fault, text)
		}
	}
	mood.Store(0)
	_, err = s.control.Credentials(t.Context(), &vaultrpc.CredentialsRequest{By: vaultrpc.As(s.me)})
	must(t, err)
	said := s.said.all()
	if bytes.Contains(said, []byte(inside)) || !bytes.Contains(said, []byte("a fault in the program was caught")) {
		t.Error("the log has the panic's text, or no word of it")
	}
}

// forwardedTo sends a job's request the way that its gateway does, and returns the
// fault that it tells, and its text.
func (s *scene) forwardedTo(path string) (fault, text string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, "http://vault"+path, http.NoBody)
	must(s.t, err)
	r.Header.Set(vaultrpc.HeaderTarget, "https://api.acme.test:443/x")
	r.Header.Set(vaultrpc.HeaderJob, "job_a")
	r.Header.Set(vaultrpc.HeaderUse, "att_a")
	r.Header.Set(vaultrpc.HeaderOpening, "{}")
	answer, err := s.line(s.daemon.Worker()).HTTP().Do(r)
	must(s.t, err)
	defer func() { _ = answer.Body.Close() }()
	b, err := io.ReadAll(answer.Body)
	must(s.t, err)
	return answer.Header.Get(vaultrpc.HeaderFault), string(b)
}

func TestWhatFailsInsideIsToldInTheLogAlone(t *testing.T) {
	t.Parallel()
	mood := &atomic.Int32{}
	s := setup(t, func(store hotcell.VaultStore) hotcell.VaultStore { return moody{store, mood} })
	well, err := s.control.Health(t.Context())
	if err != nil || len(well.Problems) != 0 || well.PID == 0 {
		t.Errorf("well: %+v, %v", well, err)
	}
	mood.Store(2)
	_, err = s.control.Credentials(t.Context(), &vaultrpc.CredentialsRequest{By: vaultrpc.As(s.me)})
	if err == nil || strings.Contains(err.Error(), inside) || !strings.Contains(err.Error(), "internal error") {
		t.Errorf("told outside: %v", err)
	}
	ill, err := s.control.Health(t.Context())
	if err != nil || len(ill.Problems) != 1 || strings.Contains(ill.Problems[0], inside) {
		t.Errorf("ill: %+v, %v", ill, err)
	}
	if !bytes.Contains(s.said.all(), []byte(inside)) {
		t.Error("the log does not say why")
	}
}

package test

import (
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
	"hotcell/test/acme/identity"
)

// chatDocument is a service whose tokens are renewed at %[1]s: each process has an
// address of its own there, so that it can be told who asks.
const chatDocument = `
slug: chat
name: Chat
category: chat
about: A service of tests.
base: %[2]s
auth: {kind: oauth2, authorize: "%[2]s/authorize", token: "%[1]s/oauth/token", issuer: "%[2]s", client: post, scopes: [openid]}
account: {request: {method: GET, path: /me}, id: "${answer.id}", name: "${answer.name}"}
tools:
- {name: read, about: Reads what there is to read., hint: read, request: {method: GET, path: /messages}}
`

const sharedCallback = "https://hotcell.acme.test/connect/callback"

// three are three instances of the vault over one SQLite file, two of them in this
// process and one in another; and the service that they all ask.
type three struct {
	t             *testing.T
	mode          identity.Mode
	server, other *httptest.Server
	*identity.Server
	vault sharedVault
	here  [2]*instance
	child *apart
	skew  atomic.Int64
	made  hotcell.CredentialID
	owner hotcell.Principal

	mu sync.Mutex
	// known are the tokens that were seen, stale those that are not taken any more.
	known, stale map[string]bool
	late         int
	// meets is what becomes of the next request for a token.
	meets func(fromChild bool) (lost bool)
	token sync.Mutex
	lose  bool
	// widows are the ends of leases that are waited for.
	widows sync.WaitGroup
}

func openThree(t *testing.T, mode identity.Mode) *three {
	t.Helper()
	w := &three{t: t, mode: mode, known: map[string]bool{}, stale: map[string]bool{}}
	for _, to := range []**httptest.Server{&w.server, &w.other} {
		*to = httptest.NewUnstartedServer(http.HandlerFunc(w.serve))
		(*to).Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug) // connections of who was killed
		(*to).StartTLS()
		t.Cleanup((*to).Close)
	}
	var err error
	w.Server, err = identity.New(w.server.URL)
	must(t, err)
	w.Add("client-1", "secret-1", mode, sharedCallback)
	w.Lose(func() bool { return w.lose })
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.server.Certificate().Raw})
	w.vault = sharedVault{Dir: t.TempDir(), CA: ca, Document: fmt.Sprintf(chatDocument, w.server.URL, w.server.URL)}
	for n := range w.here {
		w.here[n], err = w.vault.open(t.Context())
		must(t, err)
		t.Cleanup(w.here[n].close)
	}
	w.prepare()
	return w
}

// serve is the service: its authorisation server, and what its tools ask for.
func (w *three) serve(out http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/messages", "/me":
		who, ok := w.Account(r)
		w.mu.Lock()
		token := r.Header.Get("Authorization")
		stale := w.stale[token]
		w.known[token] = true
		if stale {
			w.late++
		}
		w.mu.Unlock()
		if !ok || stale {
			out.WriteHeader(http.StatusUnauthorized)
			return
		}
		out.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(out, `{"id":%q,"name":%q}`, who.ID, who.Mail)
	case "/oauth/token":
		w.mu.Lock()
		meets := w.meets
		w.meets = nil
		w.mu.Unlock()
		w.token.Lock() // one at a time, so that each meets its own fate
		defer w.token.Unlock()
		w.lose = meets != nil && meets(r.Host == strings.TrimPrefix(w.other.URL, "https://"))
		w.Server.ServeHTTP(out, r)
	default:
		w.Server.ServeHTTP(out, r)
	}
}

// prepare connects an account, and starts a job that has its tool.
func (w *three) prepare() {
	ctx, c := w.t.Context(), w.here[0].control
	p := w.here[0].owner
	w.owner = p
	ws, err := c.Workspace(ctx, &vaultrpc.WorkspaceRequest{By: vaultrpc.As(p)})
	must(w.t, err)
	key, err := parcel.ParsePublic(ws.PublicKey)
	must(w.t, err)
	sealed, err := parcel.Seal(key, parcel.Context{Workspace: string(p.Workspace), Tier: "client", Item: "chat", Field: "secret"}, []byte("secret-1"))
	must(w.t, err)
	must(w.t, c.SetClient(ctx, &vaultrpc.SetClientRequest{By: vaultrpc.As(p), Connector: "chat", ID: "client-1", Secret: sealed}))
	w.made = w.dance("")
	a, err := c.CreateAssignment(ctx, &vaultrpc.CreateAssignmentRequest{By: vaultrpc.As(p), Name: "talk", Work: hotcell.Work{Command: "true"}})
	must(w.t, err)
	_, err = c.Attach(ctx, &vaultrpc.AttachRequest{By: vaultrpc.As(p), Assignment: a.Assignment.ID, Credential: w.made, As: hotcell.InjectTools, Narrowing: hotcell.Narrowing{Tools: []string{"read"}}})
	must(w.t, err)
	w.vault.Job = hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	_, err = c.CreateJob(ctx, &vaultrpc.CreateJobRequest{By: vaultrpc.As(p), Assignment: a.Assignment.ID, Job: w.vault.Job})
	must(w.t, err)
	_, err = c.StartJob(ctx, &vaultrpc.StartJobRequest{Job: w.vault.Job})
	must(w.t, err)
}

// dance connects ada's account, or connects it anew.
func (w *three) dance(renews hotcell.CredentialID) hotcell.CredentialID {
	w.t.Helper()
	ctx, c := w.t.Context(), w.here[0].control
	ask := &vaultrpc.CreateLinkRequest{By: vaultrpc.As(w.owner), Renews: renews}
	if renews == "" {
		ask.Connector, ask.Name = "chat", "chat"
	}
	link, err := c.CreateLink(ctx, ask)
	must(w.t, err)
	opened, err := c.OpenLink(ctx, &vaultrpc.OpenLinkRequest{Token: link.Token, Callback: sharedCallback})
	must(w.t, err)
	person := w.server.Client()
	person.Jar, _ = cookiejar.New(nil)
	person.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "hotcell.acme.test" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	page, err := person.Get(opened.URL)
	must(w.t, err)
	_ = page.Body.Close()
	back, err := person.PostForm(w.server.URL+"/consent", url.Values{"request": {page.Request.URL.Query().Get("request")}, "who": {"ada@acme.test"}, "answer": {"allow"}})
	must(w.t, err)
	_ = back.Body.Close()
	at, err := back.Location()
	must(w.t, err)
	q := at.Query()
	done, err := c.FinishLink(ctx, &vaultrpc.FinishLinkRequest{State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss"), Cookie: opened.Cookie, Callback: sharedCallback})
	must(w.t, err)
	return done.Link.Connection
}

func (w *three) connection() (c hotcell.Credential, r hotcell.Refresh) {
	w.t.Helper()
	must(w.t, w.here[0].store.View(w.t.Context(), func(in hotcell.VaultReader) (err error) {
		if c, err = in.Credential(w.owner.Workspace, w.made); err != nil {
			return err
		}
		r, err = in.Refresh(w.owner.Workspace, w.made)
		return err
	}))
	return c, r
}

// ahead moves the clock of the instances of this process; the child learns of it
// with its next order.
func (w *three) ahead(d time.Duration) {
	now := w.skew.Add(int64(d))
	for _, i := range w.here {
		i.skew.Store(now)
	}
}

// kill kills the child.
func (w *three) kill() {
	w.child.kill()
	<-w.child.ended
}

// widow ends the lease of a child that was killed while it held one: it runs out
// by the others' clock at once, and not after the 40 seconds of a lease. A lease
// that lives is given back long before this sees it twice.
func (w *three) widow() {
	_, before := w.connection()
	for range 50 {
		if before.Holder == "" {
			return
		}
		time.Sleep(100 * time.Millisecond)
		if _, now := w.connection(); now.Holder != before.Holder || !now.Until.Equal(before.Until) {
			return
		}
	}
	w.ahead(time.Minute)
}

const everybody = 1000

// rush has the three make a thousand calls at once; begun, if set, is what those
// of this process wait for.
func (w *three) rush(begun <-chan struct{}) outcome {
	all := outcome{}
	var mu sync.Mutex
	var group sync.WaitGroup
	add := func(o outcome) {
		mu.Lock()
		defer mu.Unlock()
		for ended, n := range o {
			all[ended] += n
		}
	}
	skew, child, answered := time.Duration(w.skew.Load()), w.child, make(chan struct{})
	group.Go(func() { defer close(answered); add(child.calls(everybody/3, skew)) })
	for n, i := range w.here {
		group.Go(func() {
			if begun != nil {
				select {
				case <-begun:
				case <-answered:
				}
			}
			add(i.calls(w.t.Context(), w.vault.Job, everybody/3+n))
		})
	}
	group.Wait()
	return all
}

// trouble is what happens to a refresh: nothing, a reply that gets lost, a child
// that is killed at some moment, or between the service's doing and its reply.
type trouble int

const (
	none trouble = iota
	lostReply
	killedAtSomeMoment
	killedInTheWindow
)

// arrange prepares it. Lost says afterwards whether something was; begun is closed
// when those of this process may begin, nil where they need not wait.
func (w *three) arrange(what trouble) (lost *atomic.Bool, begun chan struct{}) {
	lost = &atomic.Bool{}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch what {
	case none:
	case lostReply:
		w.meets = func(bool) bool { lost.Store(true); return true }
	case killedInTheWindow:
		begun = make(chan struct{})
		w.meets = func(fromChild bool) bool {
			defer close(begun)
			if fromChild {
				lost.Store(true)
				w.kill()
				w.ahead(time.Minute)
			}
			return false
		}
	case killedAtSomeMoment:
		lost.Store(true)
		w.widows.Go(func() {
			time.Sleep(rand.N(300 * time.Millisecond))
			w.kill()
			w.widow()
		})
	}
	return lost, begun
}

// round is one expiry under a thousand calls.
func (w *three) round(what trouble, expires bool) {
	w.t.Helper()
	if w.child == nil || w.child.dead() {
		v := w.vault
		v.Document = fmt.Sprintf(chatDocument, w.other.URL, w.server.URL)
		w.child = v.start(w.t)
	}
	before, _ := w.connection()
	counts := w.Counts()
	w.mu.Lock()
	for token := range w.known {
		w.stale[token] = true
	}
	w.late = 0
	w.mu.Unlock()
	w.ahead(10 * time.Minute)
	if expires {
		w.ahead(2 * time.Hour)
	}
	lost, begun := w.arrange(what)
	all := w.rush(begun)
	w.widows.Wait()
	after, journal := w.connection()
	now := w.Counts()
	rotations, reuses := now.Rotations-counts.Rotations, now.Reuses-counts.Reuses
	w.t.Logf("trouble %d: %v, rotations %d, reuses %d, version %d to %d, broken %t", what, all, rotations, reuses, before.Version, after.Version, after.Connected.Broken != nil)
	w.mu.Lock()
	w.meets = nil
	late := w.late
	w.mu.Unlock()
	if expires && late > 0 {
		w.t.Errorf("%d calls went with a token that was over", late)
	}
	if journal.Holder != "" {
		w.t.Errorf("the lease is still held: %+v", journal)
	}
	for ended := range all {
		if ended != "ok" && ended != "lost" && ended != "reconnect" {
			w.t.Errorf("%d calls ended with %s", all[ended], ended)
		}
	}
	if all["lost"] > 0 && !lost.Load() {
		w.t.Errorf("%d calls of the other process were lost", all["lost"])
	}
	if after.Connected.Broken == nil {
		if rotations != 1 || reuses != 0 || after.Version != before.Version+1 || all["reconnect"] != 0 {
			w.t.Errorf("%d rotations, %d reuses, version %d after %d: want exactly one refresh", rotations, reuses, after.Version, before.Version)
		}
		return
	}
	// What cannot be mended: the service rotated, and nobody has its answer.
	if !lost.Load() || w.mode != identity.Rotates || rotations != 1 || reuses > 1 || after.Version != before.Version {
		w.t.Errorf("broken (%s) with %d rotations and %d reuses, lost %t", after.Connected.Broken.Reason, rotations, reuses, lost.Load())
	}
	if all["ok"] != 0 {
		w.t.Errorf("%d calls went through on a connection that is broken", all["ok"])
	}
	w.dance(w.made)
}

// rounds has each trouble happen, and then some by chance.
func (w *three) rounds(more int) {
	w.t.Helper()
	for _, what := range []trouble{none, lostReply, none, killedInTheWindow, killedAtSomeMoment} {
		w.round(what, true)
	}
	w.round(none, false) // the service does not know the token any more
	for range more {
		w.round(trouble(rand.IntN(4)), rand.IntN(3) > 0)
	}
	verified, err := w.here[1].control.VerifyEvents(w.t.Context(), &vaultrpc.WorkspaceRequest{By: vaultrpc.As(w.here[1].owner)})
	if err != nil || verified.Broken != 0 {
		w.t.Errorf("the log: %+v, %v", verified, err)
	}
}

// TestThreeInstancesMakeOneRefresh is of a service that takes a second use of a
// refresh token for a theft, as strict ones do.
func TestThreeInstancesMakeOneRefresh(t *testing.T) {
	t.Parallel()
	openThree(t, identity.Rotates).rounds(3)
}

// TestThreeInstancesWithGrace is of one that gives the same tokens again for a
// while: nothing ever breaks there.
func TestThreeInstancesWithGrace(t *testing.T) {
	t.Parallel()
	openThree(t, identity.Grace).rounds(3)
}

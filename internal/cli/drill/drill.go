// Package drill runs the catalogue of attacks as a hostile agent against a
// running server, with credentials of its own that are worth nothing, and looks
// at what arrives at listeners of its own: it believes no log of the server's.
//
// It is a client like any other, and needs to be on the server's machine, since
// that is where its listeners are. One way to use it:
//
//	report, err := drill.Run(ctx, drill.Options{Client: c})
package drill

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/cli/drill/attacks"
	"hotcell/internal/value/sensitive"
)

// Options say how to drill.
type Options struct {
	Client *client.Client
	// Assignment is one whose limits and allow-list the attacker has as well; empty
	// for none.
	Assignment string
	// Keep says of a case's name whether it is tried; nil for all.
	Keep func(name string) bool
	// Control sends to the host that the values are bound to, where they may
	// arrive: it shows that the cases send what they say.
	Control bool
	// Told is called after each case; nil for nobody.
	Told func(Result)
}

// Result is what came of a case.
type Result struct {
	Name  string `json:"name"`
	Tries string `json:"tries"`
	// Outcome is "nothing", "through", "documented" or "skipped".
	Outcome string `json:"outcome"`
	// Detail says what got through, or why it was skipped.
	Detail string `json:"detail,omitempty"`
}

// Report is what came of all of them.
type Report struct {
	Tried   int `json:"tried"`
	Through int `json:"through"`
	// Documented are those that no guard can stop.
	Documented int      `json:"documented"`
	Skipped    int      `json:"skipped"`
	Cases      []Result `json:"cases"`
	// Kinds are the same counts, kind by kind.
	Kinds []Kind `json:"kinds"`
}

// hands is how many cases run at once, each on listeners of its own.
const hands = 12

// Run runs the catalogue. What it made at the server, it deletes.
func Run(ctx context.Context, o Options) (report Report, err error) {
	cases, err := attacks.Cases()
	if err != nil {
		return report, err
	}
	d := &drill{Options: o, work: make(chan int), results: make([]*Result, len(cases)), cases: cases}
	if err := d.prepare(ctx); err != nil {
		return report, err
	}
	var wg sync.WaitGroup
	errs := make([]error, hands)
	for i := range hands {
		wg.Go(func() { errs[i] = d.hand(ctx, i) })
	}
	for i, c := range cases {
		if o.Keep == nil || o.Keep(c.Name) {
			d.work <- i
		}
	}
	close(d.work)
	wg.Wait()
	for _, r := range d.results {
		if r != nil {
			report.add(*r)
		}
	}
	return report, errors.Join(errs...)
}

type drill struct {
	Options
	cases   []attacks.Case
	work    chan int
	mu      sync.Mutex
	results []*Result
	files   hotcell.Files
	base    hotcell.Work
}

// prepare uploads the catalogue, and looks at the assignment that is drilled.
func (d *drill) prepare(ctx context.Context) error {
	files, err := attacks.Files()
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if d.files, err = d.Client.PutFiles(ctx, &archive); err != nil {
		return err
	}
	if d.Assignment == "" {
		return nil
	}
	list, err := d.Client.Assignments(ctx, d.Assignment)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fmt.Errorf("%w: there is no assignment %q", hotcell.ErrNotFound, d.Assignment)
	}
	d.base = list[0].Work
	return nil
}

// hand is one attacker: it takes cases until there are none.
func (d *drill) hand(ctx context.Context, n int) (err error) {
	h := &hand{drill: d, name: fmt.Sprintf("drill-%s-%d", hotcell.NewID("d")[2:], n)}
	err = h.open(ctx)
	defer func() { err = errors.Join(err, h.close(context.WithoutCancel(ctx))) }()
	for i := range d.work {
		c := d.cases[i]
		r := Result{Name: c.Name, Tries: c.Tries}
		if err != nil {
			continue // the work is taken, so that nobody waits
		}
		if err = h.try(ctx, c, &r); err != nil {
			continue
		}
		d.mu.Lock()
		d.results[i] = &r
		if d.Told != nil {
			d.Told(r)
		}
		d.mu.Unlock()
	}
	return err
}

// hand has an assignment, values and listeners of its own.
type hand struct {
	*drill
	name      string
	canary    string
	standIn   string
	key       string
	listeners *listeners
	secrets   []hotcell.CredentialID
	// account is the connection whose key is put onto requests.
	account hotcell.CredentialID
	id      hotcell.AssignmentID
}

// The hosts of a drill, each hand's on ports of its own.
const (
	evilHost  = "evil" + hotcell.DrillDomain
	homeHost  = "home" + hotcell.DrillDomain
	modelHost = "model" + hotcell.DrillDomain
	apiHost   = "api" + hotcell.DrillDomain
)

func (h *hand) open(ctx context.Context) (err error) {
	if h.listeners, err = listen(); err != nil {
		return err
	}
	h.canary, h.standIn, h.key = canary("hotcell_canary_"), canary("sk_live_"), canary("key_")
	l := h.listeners
	home := fmt.Sprintf("%s:%d", homeHost, l.home.port)
	for _, s := range []struct {
		name, variable, value string
		as                    hotcell.Injection
	}{{"canary", "CANARY", h.canary, hotcell.InjectEnvironment}, {"stand-in", "STANDIN", h.standIn, hotcell.InjectStandIn}} {
		made, err := h.Client.CreateSecret(ctx, client.SecretDraft{
			Name: h.name + " " + s.name, Hosts: []string{home}, Variables: []client.Variable{{Name: s.variable, Value: sensitive.New([]byte(s.value))}},
		})
		if err != nil {
			return fmt.Errorf("making a credential for the drill: %w", err)
		}
		h.secrets = append(h.secrets, made.ID)
	}
	work := h.base
	work.Command, work.Files = `sh ./run.sh`, &h.files
	work.Limits.Timeout = hotcell.Duration(2 * time.Minute)
	work.Environment = map[string]string{
		"TARGET": h.target(), "HOME_HOST": home, "MODEL": fmt.Sprintf("%s:%d", modelHost, l.model.port), "API_HOST": fmt.Sprintf("%s:%d", apiHost, l.api.port),
	}
	work.Allow = append(append([]hotcell.Allow{}, work.Allow...),
		hotcell.Allow{Host: evilHost, Port: l.evil.port, Protocol: hotcell.ProtocolHTTPS}, hotcell.Allow{Host: homeHost, Port: l.home.port, Protocol: hotcell.ProtocolHTTPS},
		hotcell.Allow{Host: modelHost, Port: l.model.port, Protocol: hotcell.ProtocolHTTPS})
	for _, host := range []string{"api.openai.com", "api.anthropic.com"} {
		entry := hotcell.Allow{Host: host, Port: 443, Protocol: hotcell.ProtocolHTTPS}
		if !contains(h.base.Allow, entry) {
			work.Allow = append(work.Allow, entry)
		}
	}
	work.Drill = &hotcell.Drill{CA: l.ca, Hosts: []string{evilHost, homeHost, modelHost, apiHost}, Models: []string{modelHost}}
	made, err := h.Client.CreateAssignment(ctx, h.name, work)
	if err != nil {
		return fmt.Errorf("making an assignment for the drill: %w", err)
	}
	h.id = made.ID
	if err := h.connect(ctx); err != nil {
		return err
	}
	for i, as := range []hotcell.Injection{hotcell.InjectEnvironment, hotcell.InjectStandIn} {
		if _, err := h.Client.Attach(ctx, made.ID, h.secrets[i], as); err != nil {
			return fmt.Errorf("attaching a credential for the drill: %w", err)
		}
	}
	return nil
}

// connect attaches a key that is put onto requests, narrowed to some.
func (h *hand) connect(ctx context.Context) error {
	made, err := h.Client.CreateConnection(ctx, client.ConnectionDraft{
		Name: h.name + " key", Key: sensitive.New([]byte(h.key)), HTTP: hotcell.HTTPAccess{Host: apiHost, Port: h.listeners.api.port, Auth: hotcell.Auth{Kind: "bearer"}},
	})
	if err != nil {
		return fmt.Errorf("making a credential for the drill: %w", err)
	}
	h.account = made.ID
	narrowed := hotcell.Narrowing{Methods: []string{"GET"}, Paths: []string{"/v1/**"}}
	if _, err := h.Client.Attach(ctx, h.id, made.ID, hotcell.InjectHTTP, narrowed); err != nil {
		return fmt.Errorf("attaching a credential for the drill: %w", err)
	}
	return nil
}

// target is the host that the cases send to.
func (h *hand) target() string {
	if h.Control {
		return fmt.Sprintf("%s:%d", homeHost, h.listeners.home.port)
	}
	return fmt.Sprintf("%s:%d", evilHost, h.listeners.evil.port)
}

func contains(list []hotcell.Allow, entry hotcell.Allow) bool {
	for _, a := range list {
		if a.Host == entry.Host && a.Port == entry.Port {
			return true
		}
	}
	return false
}

func (h *hand) close(ctx context.Context) error {
	var errs []error
	if h.id != "" {
		errs = append(errs, h.Client.DeleteAssignment(ctx, h.id))
	}
	for _, id := range h.secrets {
		errs = append(errs, h.Client.DeleteSecret(ctx, id, 0))
	}
	if h.account != "" {
		_, err := h.Client.DeleteConnection(ctx, h.account, 0)
		errs = append(errs, err)
	}
	if h.listeners != nil {
		errs = append(errs, h.listeners.close())
	}
	return errors.Join(errs...)
}

// try runs one case, and looks at what arrived.
func (h *hand) try(ctx context.Context, c attacks.Case, r *Result) error {
	h.listeners.forget()
	j, err := h.Client.Run(ctx, h.id, []string{c.File})
	if err != nil {
		return fmt.Errorf("running %s: %w", c.Name, err)
	}
	var log strings.Builder
	j, err = h.Client.Follow(ctx, j.ID, func(chunk hotcell.LogChunk) error {
		if chunk.Stream != "hotcell" {
			log.Write(chunk.Data)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("following %s: %w", c.Name, err)
	}
	h.listeners.settle(ctx)
	r.Outcome = "nothing"
	switch detail := h.through(ctx, c, j, log.String()); {
	case c.Documented:
		r.Outcome = "documented"
	case detail != "":
		r.Outcome, r.Detail = "through", detail
	case j.ExitCode != nil && *j.ExitCode == 127:
		r.Outcome, r.Detail = "skipped", "the machine has no "+c.Needs
	case j.State != hotcell.JobSucceeded && j.State != hotcell.JobFailed:
		r.Outcome, r.Detail = "skipped", "the job is "+string(j.State)+": "+j.Reason
	}
	return nil
}

// through says what got through, if anything did.
func (h *hand) through(ctx context.Context, c attacks.Case, j hotcell.Job, log string) string {
	for line := range strings.Lines(log) {
		if got, found := strings.CutPrefix(strings.TrimSpace(line), "GOT "); found {
			return "it got " + got
		}
	}
	if reveals([]byte(log), h.canary, h.standIn, h.key) {
		return "the value is in the job's log"
	}
	others := map[string]*listener{"another host": h.listeners.evil, "the model": h.listeners.model}
	if h.Control {
		others = map[string]*listener{"its own host": h.listeners.home}
	}
	if kept := map[string]*listener{"home": h.listeners.home, "api": h.listeners.api}[c.Keeps]; kept != nil && reveals(kept.seen(), h.standIn, h.key) {
		return "the value arrived at its own host, where it should not"
	}
	for name, l := range others {
		if seen := l.seen(); reveals(seen, h.canary, h.standIn, h.key) {
			return "the value arrived at " + name
		}
	}
	if j.OutputSize > 0 {
		archive, err := h.Client.Out(ctx, j.ID)
		if err != nil {
			return ""
		}
		defer func() { _ = archive.Close() }()
		text, _ := io.ReadAll(archive)
		if reveals(text, h.canary, h.standIn, h.key) {
			return "the value is in what the job left"
		}
	}
	return ""
}

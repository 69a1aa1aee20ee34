// Package vault is the vault's process: the RPC over the door and the tiers.
//
// There are two lines in: people's ([Daemon.Control]) and the workers'
// ([Daemon.Worker]). What is not served on a line cannot be asked on it: no
// procedure at all returns a value, and the only one that delivers any seals
// them to a cell's key. It believes nobody about who a person is: what asks for people
// bears what the vault gave them ([Owners], package people). One way to use it:
//
//	d, err := vault.Open(ctx, vault.Config{Store: store, KeyURL: "file:///…/local.key", …})
//	go rpc.Server(d.Control()).Serve(peopleLine)
//	go rpc.Server(d.Worker()).Serve(workerLine)
package vault

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/border"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/parser"
	"hotcell/internal/value/tidy"
	"hotcell/internal/vault/internal/assignment"
	"hotcell/internal/vault/internal/book"
	"hotcell/internal/vault/internal/call"
	"hotcell/internal/vault/internal/connection"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/forward"
	"hotcell/internal/vault/internal/lease"
	"hotcell/internal/vault/internal/login"
	"hotcell/internal/vault/internal/people"
	"hotcell/internal/vault/internal/secret"
	"hotcell/internal/vault/internal/token"
	"hotcell/internal/wire/budget"
	"hotcell/internal/wire/egress"
	"hotcell/internal/wire/netguard"
	"hotcell/internal/wire/pgwire"
	"hotcell/internal/wire/scrub"
)

// Config is what the vault's process needs.
type Config struct {
	Store hotcell.VaultStore
	// KeyURL names the KMS key: "file:///path/local.key".
	KeyURL string
	// KeyInside is where a local key file lies as this process sees it; empty where
	// that is as its URL says.
	KeyInside string
	// KeyEnvironment is where credentials for a key service come from, and KeyWarm for
	// how long what it opened serves after it last answered: 0 is an hour.
	KeyEnvironment *KeyEnvironment
	KeyWarm        time.Duration
	// Rotate is how old keys may become before they are made anew; 0 for any age. Pace is
	// the pause after a step of a rotation that failed; 0 is a second.
	Rotate, Pace time.Duration
	// asked says that the service was asked in vain a moment ago, which was told.
	asked bool
	// After waits; nil for the machine's clock.
	After func(time.Duration) <-chan time.Time
	// Owner names the first member at first start.
	Owner string
	// Owners are those whom the vault's own socket lets in; nil for nobody.
	Owners *Owners
	// Dialer and Roots are for what the vault does for jobs: which addresses it may
	// dial, and which certificates hold; nil Roots are the system's.
	Dialer netguard.Dialer
	// Found is for addresses that a stranger names, and Issuers are authorisation
	// servers over more than one origin, by the operator's word.
	Found   netguard.Dialer
	Issuers map[string][]string
	// ProofKeys are those that take proof keys and do not say so.
	ProofKeys []string
	Roots     *x509.CertPool
	// Databases is the operator's word on a database; nil for none.
	Databases func(host string, port int) pgwire.Trust
	// Models are the operator's word on model hosts.
	Models egress.Models
	// Recipients may open backups, beside the key: the operator's word, and never that of
	// who asks for one.
	Recipients []string
	// Catalog is what connections can be made to; nil is the one that comes with
	// Hotcell.
	Catalog *connector.Catalog
	// Parser reads what strangers describe their services by, where no key is; nil
	// for this process, which is for tests.
	Parser connection.Parser
	// Reads begins to read what services answer, where it takes a library, and no key is;
	// nil for this process, which is for tests.
	Reads connector.Opener
	// Limits bound what each job holds of the vault; nil for the defaults.
	Limits budget.Limits
	Now    func() time.Time
	Log    *slog.Logger
}

// Daemon serves the two lines.
type Daemon struct {
	vault       *door.Vault
	whose       *people.Service
	owners      *Owners
	secrets     *secret.Service
	logins      *login.Service
	connections *connection.Service
	assignments *assignment.Service
	leases      *lease.Service
	forwards    *forward.Service
	calls       *call.Service
	keeper      *token.Keeper
	tidy        *tidy.Tidy
	book        *book.Book
	catalog     *connector.Catalog
	log         *slog.Logger
	now         func() time.Time
	recipients  []string
	keyAlone    bool
	beat        time.Duration
}

// heartbeat is how often the workers' watch shows a sign of life.
const heartbeat = 250 * time.Millisecond

// Open opens the key, the door and the tiers.
func Open(ctx context.Context, c Config) (*Daemon, error) {
	key, err := openKey(ctx, c)
	if err != nil {
		return nil, err
	}
	jobs := budget.New(c.Limits)
	tidied := tidy.New(border.Log(c.Log))
	door, err := door.Open(ctx, door.Config{Store: c.Store, Key: key, KeyName: key.ID(), Warm: c.warm(), Asked: c.asked, After: c.After, Rotate: c.Rotate, Pace: c.Pace, Owner: c.Owner, Models: c.Models, Budget: jobs, Tidy: tidied, Now: c.Now, Log: c.Log})
	if err != nil {
		return nil, keySentence(err)
	}
	if c.Parser == nil {
		c.Parser = parser.Here(connector.Plain)
	}
	if c.Reads == nil {
		c.Reads = connector.Here
	}
	out, err := reach(c, door)
	if err != nil {
		return nil, errors.Join(err, door.Close())
	}
	connections := connection.New(connection.Config{
		Vault: door, Catalog: out.catalog, Book: out.book, OAuth: out.oauth, Keeper: out.keeper, Courier: out.courier, Remote: out.courier, Parser: c.Parser,
		Now: c.Now, Log: c.Log,
	})
	checks := map[hotcell.Tier]assignment.Checker{hotcell.TierSecret: secret.CheckAttach(out.catalog), hotcell.TierConnection: connection.CheckAttach(out.book.Remembered), hotcell.TierLogin: login.CheckAttach}
	guesses := &scrub.Guesses{}
	logins := login.New(login.Config{Vault: door, Advise: connections.CoversHost, Now: c.Now})
	if c.Owners == nil {
		c.Owners = NewOwners(0, c.Now)
	}
	return &Daemon{
		whose: people.New(door, c.Owners.locals, c.Now), owners: c.Owners,
		vault: door, secrets: secret.New(door, connections.Covers, out.catalog, c.Now), connections: connections, assignments: assignment.New(door, checks, c.Now),
		leases:   lease.New(door),
		forwards: forward.New(forward.Config{Vault: door, Dialer: c.Dialer, Roots: c.Roots, Databases: c.Databases, Keeper: out.keeper, Logins: logins, Budget: jobs, Guesses: guesses, Tidy: tidied, Now: c.Now, Log: c.Log}),
		logins:   logins,
		calls: call.New(call.Config{
			Vault: door, Book: out.book, Keeper: out.keeper, Courier: out.courier, Upstreams: out.upstreams, Reads: c.Reads, Prints: door.Prints, Budget: jobs, Guesses: guesses, Tidy: tidied, Now: c.Now, Log: c.Log,
		}),
		keeper: out.keeper, tidy: tidied, book: out.book, catalog: out.catalog,
		log: c.Log, now: c.Now, beat: heartbeat, recipients: c.Recipients, keyAlone: KeySurvives(c.KeyURL),
	}, nil
}

// Close forgets the keys and closes the store.
func (d *Daemon) Close() error {
	d.tidy.Stop()
	d.forwards.Close()
	d.calls.Close()
	d.keeper.Close()
	return d.vault.Close()
}

// retainEvery is how often it is looked for old events.
const retainEvery = time.Hour

// Retain removes events that are older than keep, now and again, until ctx ends; 0
// keeps them for ever.
func (d *Daemon) Retain(ctx context.Context, keep time.Duration) {
	if keep <= 0 {
		return
	}
	once := func() {
		if n, err := d.vault.Retain(ctx, d.now().Add(-keep)); err != nil && ctx.Err() == nil {
			d.log.Error("removing old events", "error", err)
		} else if n > 0 {
			d.log.Info("old events were removed", "events", n)
		}
	}
	once()
	every(ctx, retainEvery, once)
}

// every does something at each end of a pause, until ctx ends.
func every(ctx context.Context, pause time.Duration, do func()) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

// Purge destroys deleted credentials when their time is over, until ctx ends.
func (d *Daemon) Purge(ctx context.Context) {
	once := func() {
		if err := d.PurgeOnce(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("destroying deleted credentials", "error", err)
		}
	}
	once()
	every(ctx, retainEvery, once)
}

// PurgeOnce destroys those whose time is over now.
func (d *Daemon) PurgeOnce(ctx context.Context) error { return d.connections.DestroyOverdue(ctx) }

// reconsiderEvery is how often it is looked for suspected connections.
const reconsiderEvery = time.Minute

// Reconsider asks now and again, until ctx ends, whether services know the keys again
// that they said they do not know.
func (d *Daemon) Reconsider(ctx context.Context) {
	every(ctx, reconsiderEvery, func() {
		if err := d.ReconsiderOnce(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("asking about suspected connections", "error", err)
		}
	})
}

// ReconsiderOnce asks about those whose time has come.
func (d *Daemon) ReconsiderOnce(ctx context.Context) error { return d.connections.Reconsider(ctx) }

// Control serves the control plane's line.
func (d *Daemon) Control() http.Handler {
	mux := http.NewServeMux()
	d.people(mux)
	d.loginsOfPeople(mux)
	d.work(mux)
	d.requests(mux)
	d.connected(mux)
	d.backups(mux)
	d.keys(mux)
	d.accounts(mux)
	d.members(mux)
	return d.bordered(mux)
}

// Worker serves a worker's line.
func (d *Daemon) Worker() http.Handler {
	mux := http.NewServeMux()
	rpc.Handle(mux, vaultrpc.Rules, func(ctx context.Context, r *vaultrpc.RulesRequest) (*vaultrpc.RulesAnswer, error) {
		grant, err := d.vault.Rules(ctx, r.Job)
		return &vaultrpc.RulesAnswer{Allow: grant.Allow, Uses: grant.Uses, Token: grant.Token, Expires: grant.Expires, Left: d.vault.Left(grant)}, d.note(vaultrpc.Rules, err)
	})
	rpc.Handle(mux, vaultrpc.Lease, func(ctx context.Context, r *vaultrpc.LeaseRequest) (*vaultrpc.LeaseAnswer, error) {
		answer, err := d.leases.Open(ctx, r.Job, r.PublicKey)
		return answer, d.note(vaultrpc.Lease, err)
	})
	rpc.Handle(mux, vaultrpc.Prints, func(ctx context.Context, r *vaultrpc.PrintsRequest) (*vaultrpc.PrintsAnswer, error) {
		answer, err := d.leases.Prints(ctx, r.Job)
		return answer, d.note(vaultrpc.Prints, err)
	})
	rpc.Handle(mux, vaultrpc.Report, func(ctx context.Context, r *vaultrpc.ReportRequest) (*vaultrpc.Empty, error) {
		return &vaultrpc.Empty{}, d.note(vaultrpc.Report, d.vault.Report(ctx, r.Job, r.Events))
	})
	d.asks(mux)
	d.loginsOfJobs(mux)
	d.tools(mux)
	rpc.HandleStream(mux, vaultrpc.Watch, d.watch)
	mux.Handle(vaultrpc.Forward, d.forwards)
	mux.HandleFunc(vaultrpc.Connect, d.forwards.Connect)
	return d.bordered(mux)
}

// watch sends each revocation, and a sign of life in between.
func (d *Daemon) watch(ctx context.Context, request *vaultrpc.WatchRequest, send func(*vaultrpc.WatchAnswer) error) error {
	revocations, cancel := d.vault.Watch()
	defer cancel()
	tick := time.NewTicker(d.beat)
	defer tick.Stop()
	if err := send(&vaultrpc.WatchAnswer{}); err != nil {
		return err
	}
	past, err := d.vault.Dead(ctx, request.Jobs)
	if err != nil {
		return err
	}
	for _, r := range past {
		if err := send(&vaultrpc.WatchAnswer{Job: r.Job, Reason: r.Reason}); err != nil {
			return err
		}
	}
	for {
		answer := &vaultrpc.WatchAnswer{}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		case r, open := <-revocations:
			if !open {
				return fmt.Errorf("%w: this watcher did not keep up", hotcell.ErrUnavailable)
			}
			answer.Job, answer.Reason, answer.Widened = r.Job, r.Reason, r.Widened
		}
		if err := send(answer); err != nil {
			return err
		}
	}
}

// note logs an error that the other side sees as "internal error".
func (d *Daemon) note(procedure string, err error) error {
	if err != nil && rpc.Internal(err) {
		d.log.Error("a call failed", "procedure", procedure, "error", err)
	}
	return err
}

func (d *Daemon) health(ctx context.Context) *vaultrpc.HealthAnswer {
	answer := &vaultrpc.HealthAnswer{PID: os.Getpid()}
	if err := d.vault.Probe(ctx); err != nil {
		d.log.Error("the vault cannot read or write its store", "error", err)
		answer.Problems = append(answer.Problems, "the vault cannot read or write its store: nothing is used that cannot be recorded")
	}
	if problem := d.keyProblem(); problem != "" {
		answer.Problems = append(answer.Problems, problem)
	}
	return answer
}

// bordered keeps a fault of ours in one call from ending more than that call: the
// caller is told, as it expects to be told of errors.
func (d *Daemon) bordered(next http.Handler) http.Handler {
	return border.Handler("a call of the vault", d.log, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case vaultrpc.Forward, vaultrpc.Connect:
			d.forwards.Faulted(w)
		default:
			rpc.Refuse(w, r)
		}
	}, next)
}

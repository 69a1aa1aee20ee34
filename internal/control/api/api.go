// Package api is the REST face: what people ask, over HTTP, a file per
// resource. It is described at /openapi.json.
//
// It guards how things are asked: sizes, forms, identity, repeats; and that no
// answer, error or log line holds what was sent. It holds no rules about who
// may do what: the vault does. Values that come in plain are sealed here, at
// the edge; the ones that the CLI sends are sealed already. One way to use it:
//
//	http.Serve(socket, api.New(api.Config{Vault: vault, Jobs: jobs, …}))
package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"hotcell"
	"hotcell/internal/catalog/agent"
	"hotcell/internal/control/job"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/tidy"
	"hotcell/internal/wire/egress"
)

// Vault is what the API asks of the vault.
type Vault interface {
	Workspace(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.WorkspaceAnswer, error)
	CreateSecret(context.Context, *vaultrpc.CreateSecretRequest) (*vaultrpc.CredentialAnswer, error)
	ChangeSecret(context.Context, *vaultrpc.ChangeSecretRequest) (*vaultrpc.CredentialAnswer, error)
	CreateLogin(context.Context, *vaultrpc.CreateLoginRequest) (*vaultrpc.CredentialAnswer, error)
	ChangeLogin(context.Context, *vaultrpc.ChangeLoginRequest) (*vaultrpc.CredentialAnswer, error)
	ImportLogins(context.Context, *vaultrpc.ImportLoginsRequest) (*vaultrpc.ImportLoginsAnswer, error)
	LinkAsked(context.Context, *vaultrpc.LinkAskedRequest) (*vaultrpc.LinkAskedAnswer, error)
	AskedLogin(context.Context, *vaultrpc.AskedRequest) (*vaultrpc.AskedAnswer, error)
	AnswerLogin(context.Context, *vaultrpc.AnswerRequest) error
	CreateConnection(context.Context, *vaultrpc.CreateConnectionRequest) (*vaultrpc.CredentialAnswer, error)
	ChangeConnection(context.Context, *vaultrpc.ChangeConnectionRequest) (*vaultrpc.CredentialAnswer, error)
	Connections
	ShareCredential(context.Context, *vaultrpc.ShareCredentialRequest) (*vaultrpc.CredentialAnswer, error)
	DeleteCredential(context.Context, *vaultrpc.CredentialRequest) error
	Deleted(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.DeletedAnswer, error)
	Undelete(context.Context, *vaultrpc.CredentialRequest) (*vaultrpc.CredentialAnswer, error)
	DestroyDeleted(context.Context, *vaultrpc.CredentialRequest) (*vaultrpc.DeleteAnswer, error)
	DeleteConnection(context.Context, *vaultrpc.CredentialRequest) (*vaultrpc.DeleteAnswer, error)
	Credential(context.Context, *vaultrpc.CredentialRequest) (*vaultrpc.CredentialAnswer, error)
	Credentials(context.Context, *vaultrpc.CredentialsRequest) (*vaultrpc.CredentialsAnswer, error)
	CreateAssignment(context.Context, *vaultrpc.CreateAssignmentRequest) (*vaultrpc.AssignmentAnswer, error)
	ChangeAssignment(context.Context, *vaultrpc.ChangeAssignmentRequest) (*vaultrpc.AssignmentAnswer, error)
	DeleteAssignment(context.Context, *vaultrpc.AssignmentRequest) error
	Assignment(context.Context, *vaultrpc.AssignmentRequest) (*vaultrpc.AssignmentAnswer, error)
	Assignments(context.Context, *vaultrpc.AssignmentsRequest) (*vaultrpc.AssignmentsAnswer, error)
	Attach(context.Context, *vaultrpc.AttachRequest) (*vaultrpc.AttachAnswer, error)
	ChangeAttachment(context.Context, *vaultrpc.ChangeAttachmentRequest) (*vaultrpc.AttachAnswer, error)
	Detach(context.Context, *vaultrpc.DetachRequest) error
	ConfirmAttachment(context.Context, *vaultrpc.ConfirmAttachmentRequest) (*vaultrpc.AttachAnswer, error)
	Requests(context.Context, *vaultrpc.RequestsRequest) (*vaultrpc.RequestsAnswer, error)
	Request(context.Context, *vaultrpc.RequestRequest) (*vaultrpc.RequestAnswer, error)
	DecideRequest(context.Context, *vaultrpc.DecideRequestRequest) (*vaultrpc.RequestAnswer, error)
	Explain(context.Context, *vaultrpc.ExplainRequest) (*vaultrpc.ExplainAnswer, error)
	Events(context.Context, *vaultrpc.EventsRequest) (*vaultrpc.EventsAnswer, error)
	VerifyEvents(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.VerifyAnswer, error)
	Backups(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.BackupsAnswer, error)
	Keys
}

// Keys is what of it is about keys.
type Keys interface {
	Keys(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.KeysAnswer, error)
	RotateKeys(context.Context, *vaultrpc.RotateKeysRequest) error
	DestroyKey(context.Context, *vaultrpc.DestroyKeyRequest) error
	Vouch(context.Context, *vaultrpc.VouchRequest) (*vaultrpc.VouchAnswer, error)
}

// Connections is what of it is about connecting accounts.
type Connections interface {
	Connectors(context.Context, *vaultrpc.ConnectorsRequest) (*vaultrpc.ConnectorsAnswer, error)
	LintConnector(context.Context, *vaultrpc.LintConnectorRequest) (*vaultrpc.LintConnectorAnswer, error)
	TestConnection(context.Context, *vaultrpc.TestConnectionRequest) (*vaultrpc.TestConnectionAnswer, error)
	Tools(context.Context, *vaultrpc.ToolsRequest) (*vaultrpc.ToolsAnswer, error)
	CreateLink(context.Context, *vaultrpc.CreateLinkRequest) (*vaultrpc.CreateLinkAnswer, error)
	Link(context.Context, *vaultrpc.LinkRequest) (*vaultrpc.LinkAnswer, error)
	LookAtLink(context.Context, *vaultrpc.LookAtLinkRequest) (*vaultrpc.LookAtLinkAnswer, error)
	OpenLink(context.Context, *vaultrpc.OpenLinkRequest) (*vaultrpc.OpenLinkAnswer, error)
	FinishLink(context.Context, *vaultrpc.FinishLinkRequest) (*vaultrpc.FinishLinkAnswer, error)
	Clients(context.Context, *vaultrpc.WorkspaceRequest) (*vaultrpc.ClientsAnswer, error)
	SetClient(context.Context, *vaultrpc.SetClientRequest) error
	DeleteClient(context.Context, *vaultrpc.DeleteClientRequest) error
	Advise(context.Context, *vaultrpc.AdviseRequest) (*vaultrpc.AdviseAnswer, error)
}

// Jobs makes, shows and ends jobs; package job does it.
type Jobs interface {
	Create(ctx context.Context, p hotcell.Principal, d job.Draft) (job.Made, error)
	Cancel(ctx context.Context, p hotcell.Principal, id hotcell.JobID) (hotcell.Job, error)
	Job(ctx context.Context, p hotcell.Principal, id hotcell.JobID) (hotcell.Job, error)
	Jobs(ctx context.Context, p hotcell.Principal, filter hotcell.JobFilter, page hotcell.Page) ([]hotcell.Job, error)
	Log(ctx context.Context, p hotcell.Principal, id hotcell.JobID, after int64) ([]hotcell.LogChunk, error)
	Follow(ctx context.Context, p hotcell.Principal, id hotcell.JobID, after int64, fn func([]hotcell.LogChunk) error) (hotcell.Job, error)
	Output(ctx context.Context, p hotcell.Principal, id hotcell.JobID) (io.ReadCloser, int64, error)
	Browser(ctx context.Context, p hotcell.Principal, id hotcell.JobID, hand *cellrpc.Hand) (io.ReadCloser, error)
}

// Files stores folders of assignments, as tar archives.
type Files interface {
	Put(ctx context.Context, r io.Reader) (hotcell.Files, error)
}

// Idempotency remembers what was answered to a request.
type Idempotency interface {
	Remember(ctx context.Context, key string, request [32]byte, answer []byte, at time.Time) (stored []byte, err error)
	Recall(ctx context.Context, key string, request [32]byte) ([]byte, error)
}

// Config is what the API stands on.
type Config struct {
	Vault       Vault
	People      People
	Jobs        Jobs
	Files       Files
	Backups     Backups
	Idempotency Idempotency
	// RepeatKey keys the hashes under which requests are remembered.
	RepeatKey []byte
	// Principal says who asks.
	Principal func(*http.Request) (hotcell.Principal, error)
	// Ready lists what keeps the server from its work; empty is well.
	Ready   func(context.Context) []string
	Log     *slog.Logger
	Now     func() time.Time
	Version string
	// Egress is the operator's word on hosts: what explain tells of.
	Egress egress.Rules
	// Base is the address at which people's browsers reach Public, without a slash
	// at its end: http://127.0.0.1:7878.
	Base func() string
	// Tools serves agents elsewhere, each by its job's token; nil for none.
	Tools http.Handler
	// Agents are those that assignments may name; nil for none.
	Agents *agent.Catalog
	// Images lists the images that assignments may name; nil for none.
	Images func() ([]hotcell.Image, error)
	// InCells says whether a program is in cells; nil says yes of all.
	InCells func(program string) bool
	// Tidy is told when a value came in plain; nil for nobody.
	Tidy *tidy.Tidy
}

// service is the API's handlers.
type service struct {
	Config
	repeats repeats
}

// New is the whole API, for callers whom Principal knows.
func New(c Config) http.Handler {
	s := &service{Config: c}
	mux := http.NewServeMux()
	s.operations(mux)
	s.health(mux)
	mux.HandleFunc("/", nothing)
	return s.wrap(s.identify(s.repeat(named(mux))))
}

// operations are what is asked by somebody.
func (s *service) operations(mux *http.ServeMux) {
	s.resources(mux)
	mux.HandleFunc("PUT /v1/files", s.putFiles)
}

// Public is what may be asked by whoever reaches the port: how the server is, how to use
// it, and what those are asked who prove who they are.
func Public(c Config) http.Handler {
	s := &service{Config: c}
	mux := http.NewServeMux()
	s.health(mux)
	document := http.NewServeMux()
	(&service{Config: Config{Version: c.Version}}).resources(document)
	mux.Handle("GET /openapi.json", document)
	mux.HandleFunc("GET /{$}", greet)
	operations := http.NewServeMux()
	s.operations(operations)
	operations.HandleFunc("/", nothing)
	mux.Handle("/v1/", s.bearing(s.identify(s.repeat(named(operations)))))
	look := newConnectPages()
	s.connect(mux, look)
	s.answering(mux, look)
	s.agents(mux)
	mux.HandleFunc("/", nothing)
	return s.wrap(named(mux))
}

// resources registers what is described at /openapi.json.
func (s *service) resources(mux *http.ServeMux) {
	api := describe(mux, s.Version)
	s.workspace(api)
	s.secrets(api)
	s.logins(api)
	s.connections(api)
	s.connectors(api)
	s.links(api)
	s.clients(api)
	s.advice(api)
	s.assignments(api)
	s.jobs(api)
	s.catalogue(api)
	s.requests(api)
	s.events(api)
	s.backups(api)
	s.deleted(api)
	s.keys(api)
	s.accounts(api)
	s.members(api)
	s.tokens(api)
	describeFiles(api)
}

func nothing(w http.ResponseWriter, r *http.Request) { writeProblem(w, r, hotcell.ErrNotFound) }

// maxBody is how large a request may be: a secret of 256 KiB, sealed variable
// by variable and in base64.
const maxBody = 2 << 20

// maxImport is how large an import may be.
const maxImport = 20 << 20

// maxDefinition is how large a request for a connection may be: an OpenAPI
// document of 16 MiB, as a text within JSON.
const maxDefinition = 24 << 20

// describe makes the API's description, which also reads and checks requests.
func describe(mux *http.ServeMux, version string) huma.API {
	config := huma.DefaultConfig("Hotcell", version)
	config.Info.Description = "Secret management for AI agents. No answer ever holds a value."
	config.DocsPath, config.SchemasPath = "", ""
	config.OpenAPIPath = "/openapi"
	config.CreateHooks = nil
	config.RejectUnknownQueryParameters = true
	config.Formats = map[string]huma.Format{"application/json": strictJSON, "json": strictJSON}
	useProblems()
	return humago.New(mux, config)
}

func (s *service) health(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		problems := s.Ready(r.Context())
		if len(problems) == 0 {
			_, _ = io.WriteString(w, "ok\n")
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		for _, p := range problems {
			_, _ = io.WriteString(w, p+"\n")
		}
	})
}

package vault_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault"
)

// chat is the connector of these tests.
const chat = `
slug: chat
name: Chat
category: chat
about: A service of tests.
base: https://example.com
auth: {kind: key, put: {kind: bearer}}
tools:
- name: post
  title: Post a message
  about: Post a message to a channel.
  hint: write
  input:
    type: object
    required: [channel, text]
    properties:
      channel: {type: string, description: a channel}
      text: {type: string, maxLength: 1000}
      thread: {type: string}
      notify: {type: boolean, default: false}
      meta: {type: object, additionalProperties: false, properties: {level: {type: integer}}}
  request: {method: POST, path: /post, headers: {Idempotency-Key: "${call.id}"}, json: {channel: "${args.channel}", text: "${args.text}", notify: "${args.notify}"}}
- name: history
  title: Read a channel
  about: Read the newest messages of a channel.
  hint: read
  input:
    type: object
    required: [channel]
    properties:
      channel: {type: string}
      limit: {type: integer, minimum: 1, maximum: 100}
  request: {method: GET, path: "/channels/${args.channel}/messages"}
- name: wipe
  title: Delete a channel
  about: Delete a channel with all that is in it.
  hint: destructive
  approve: true
  input: {type: object, required: [channel], properties: {channel: {type: string}}}
  request: {method: DELETE, path: "/channels/${args.channel}"}
`

// office is a vault with a service that its connections go to.
type office struct {
	*scene
	server *httptest.Server

	mu sync.Mutex
	// answer is what the service does; came is what arrived.
	answer http.HandlerFunc
	came   []string
	dialed []string
}

// Dial connects every name to the service.
func (o *office) Dial(ctx context.Context, host string, port int) (net.Conn, error) {
	o.mu.Lock()
	o.dialed = append(o.dialed, fmt.Sprintf("%s:%d", host, port))
	o.mu.Unlock()
	return (&net.Dialer{}).DialContext(ctx, "tcp", o.server.Listener.Addr().String())
}

func newOffice(t *testing.T) *office {
	t.Helper()
	return newOfficeOf(t, chat)
}

// newOfficeOf is one with another service.
func newOfficeOf(t *testing.T, document string) *office {
	t.Helper()
	o := &office{}
	o.server = httptest.NewTLSServer(http.HandlerFunc(o.serve))
	t.Cleanup(o.server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(o.server.Certificate())
	catalog, err := with(connector.Document{Name: "own.yaml", Text: []byte(document)})
	must(t, err)
	o.scene = setupWith(t, func(c *vault.Config) { c.Dialer, c.Roots, c.Catalog = o, roots, catalog })
	return o
}

func (o *office) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	o.mu.Lock()
	o.came = append(o.came, r.Method+" "+r.Host+r.URL.String()+" "+string(body))
	answer := o.answer
	o.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"done": r.URL.Path})
}

// answers has the service answer so from now on.
func (o *office) answers(fn http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = fn
}

// arrived returns what came since it was asked last.
func (o *office) arrived() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.came
	o.came = nil
	return out
}

// account connects one of p to the service.
func (o *office) account(p hotcell.Principal, name, key string) hotcell.Credential {
	o.t.Helper()
	c, err := o.connect(&vaultrpc.CreateConnectionRequest{By: vaultrpc.As(p), Name: name, Connector: "chat", Key: o.sealedKey(name, key)})
	must(o.t, err)
	return c
}

// with attaches tools of a connection to a new assignment of p, and starts a job.
func (o *office) with(p hotcell.Principal, narrowing hotcell.Narrowing, ids ...hotcell.CredentialID) (hotcell.AssignmentID, hotcell.JobID) {
	o.t.Helper()
	on := o.assignment(p, hotcell.NewID("work"))
	for _, id := range ids {
		_, err := o.tools(p, on, id, narrowing)
		must(o.t, err)
	}
	return on, o.run(p, on)
}

func (o *office) tools(p hotcell.Principal, on hotcell.AssignmentID, id hotcell.CredentialID, narrowing hotcell.Narrowing) (hotcell.AttachmentID, error) {
	answer, err := o.control.Attach(o.t.Context(), &vaultrpc.AttachRequest{
		By: vaultrpc.As(p), Assignment: on, Credential: id, As: hotcell.InjectTools, Narrowing: narrowing,
	})
	if err != nil {
		return "", err
	}
	return answer.Attachment.ID, nil
}

// list lists the tools of a job by name.
func (o *office) list(job hotcell.JobID) (map[string]vaultrpc.Tool, string) {
	o.t.Helper()
	answer, err := o.worker.ListTools(o.t.Context(), &vaultrpc.ListToolsRequest{Job: job})
	must(o.t, err)
	out := map[string]vaultrpc.Tool{}
	for _, tool := range answer.Tools {
		out[tool.Name] = tool
	}
	return out, answer.Access
}

// call calls a tool with arguments in JSON.
func (o *office) call(job hotcell.JobID, tool, arguments string, approved ...hotcell.RequestID) (*vaultrpc.CallToolAnswer, error) {
	r := &vaultrpc.CallToolRequest{Job: job, Tool: tool, Arguments: json.RawMessage(arguments), Shown: json.RawMessage(arguments)}
	if len(approved) > 0 {
		r.Approved = approved[0]
	}
	return o.worker.CallTool(o.t.Context(), r)
}

// done calls a tool that must do it, and returns the result.
func (o *office) done(job hotcell.JobID, tool, arguments string, approved ...hotcell.RequestID) string {
	o.t.Helper()
	answer, err := o.call(job, tool, arguments, approved...)
	must(o.t, err)
	if answer.Error != nil || answer.Waits != "" {
		o.t.Fatalf("%s %s: %+v, waits for %q", tool, arguments, answer.Error, answer.Waits)
	}
	return string(answer.Result)
}

// refuses calls a tool that must not do it, and returns the error's text.
func (o *office) refuses(job hotcell.JobID, tool, arguments, code, sentence string, approved ...hotcell.RequestID) {
	o.t.Helper()
	answer, err := o.call(job, tool, arguments, approved...)
	must(o.t, err)
	if answer.Error == nil || answer.Error.Code != code || !strings.Contains(answer.Error.Message, sentence) || answer.Waits != "" || answer.Result != nil {
		o.t.Errorf("%s %.100s: %+v, %s, want %s with %q", tool, arguments, answer.Error, answer.Result, code, sentence)
	}
	if came := o.arrived(); len(came) > 0 {
		o.t.Errorf("%s %.100s: arrived at the service: %q", tool, arguments, came)
	}
}

// waits calls a tool that must wait for a person.
func (o *office) waits(job hotcell.JobID, tool, arguments string) hotcell.RequestID {
	o.t.Helper()
	answer, err := o.call(job, tool, arguments)
	must(o.t, err)
	if answer.Waits == "" || answer.Error != nil || answer.Result != nil {
		o.t.Fatalf("%s %s: %+v, want it to wait", tool, arguments, answer)
	}
	return answer.Waits
}

func (o *office) decides(p hotcell.Principal, id hotcell.RequestID, approve bool) error {
	_, err := o.control.DecideRequest(o.t.Context(), &vaultrpc.DecideRequestRequest{By: vaultrpc.As(p), ID: id, Approve: approve})
	return err
}

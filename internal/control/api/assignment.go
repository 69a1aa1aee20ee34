package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/control/job"
	"hotcell/internal/line/vaultrpc"
)

// workBody is an assignment's work as it is written: durations as text, hosts
// as HOST[:PORT][/PROTOCOL] are normalised by the client.
type workBody struct {
	Command      string            `json:"command,omitempty" doc:"given to /bin/sh -c in the cell; where there are instructions, the agent's, or empty for the server's own"`
	Agent        string            `json:"agent,omitempty" doc:"which agent follows the instructions, such as claude: one of GET /v1/agents; without a command"`
	Instructions string            `json:"instructions,omitempty" doc:"what an agent is to do: /job/INSTRUCTIONS.md, and the command's standard input"`
	Files        *hotcell.Files    `json:"files,omitempty"`
	Allow        []hotcell.Allow   `json:"allow,omitempty"`
	Image        string            `json:"image,omitempty" doc:"the image that is the cell's root, in the place of the machine's /usr: one of GET /v1/images"`
	Limits       limitsBody        `json:"limits,omitzero"`
	Environment  map[string]string `json:"environment,omitempty"`
	Browser      bool              `json:"browser,omitempty" doc:"give its jobs a browser, also where no login is attached"`
	Drill        *hotcell.Drill    `json:"drill,omitempty" doc:"for hotcell drill alone, on the server's own machine"`
}

type limitsBody struct {
	Timeout string  `json:"timeout,omitempty" doc:"such as 10m; the server's default when empty"`
	Memory  int64   `json:"memory,omitempty" doc:"bytes"`
	Disk    int64   `json:"disk,omitempty" doc:"bytes"`
	Pids    int     `json:"pids,omitempty"`
	CPU     float64 `json:"cpu,omitempty" doc:"how many processors it may keep busy, such as 1.5; as many as are free when it is 0"`
	Cache   int64   `json:"cache,omitempty" doc:"bytes that a job may keep in /home/job/.cache for the next one of the same assignment, member and attachments; none when 0"`
}

func (b workBody) work() (hotcell.Work, error) {
	w := hotcell.Work{Command: b.Command, Agent: b.Agent, Instructions: b.Instructions, Files: b.Files, Allow: b.Allow, Image: b.Image, Environment: b.Environment, Browser: b.Browser, Drill: b.Drill}
	w.Limits = hotcell.Limits{Memory: b.Limits.Memory, Disk: b.Limits.Disk, Pids: b.Limits.Pids, CPU: b.Limits.CPU, Cache: b.Limits.Cache}
	if b.Limits.Timeout == "" {
		return w, nil
	}
	if err := w.Limits.Timeout.UnmarshalText([]byte(b.Limits.Timeout)); err != nil {
		return w, hotcell.Invalid("/work/limits/timeout", `a duration is written like "10m" or "1h30m"`)
	}
	return w, nil
}

type assignmentBody struct {
	hotcell.Assignment
	Attachments []vaultrpc.AttachedCredential `json:"attachments,omitempty"`
	Warnings    []string                      `json:"warnings,omitempty" doc:"what its jobs would lack"`
}

type createAssignment struct {
	Body struct {
		Name string   `json:"name"`
		Work workBody `json:"work"`
	}
}

type changeAssignment struct {
	Known
	ID   string `path:"id"`
	Body struct {
		Name *string   `json:"name,omitempty"`
		Work *workBody `json:"work,omitempty"`
	}
}

type assignmentID struct {
	ID string `path:"id"`
}

type knownAssignment struct {
	Known
	ID string `path:"id"`
}

type listAssignments struct {
	Paging
	Name string `query:"name"`
}

// NarrowingBody is what an attachment allows.
type NarrowingBody struct {
	Hosts    []string             `json:"hosts,omitempty" doc:"the hosts that a secret's values may go to, within its own: HOST, HOST:PORT, or *.HOST"`
	Methods  []string             `json:"methods,omitempty" doc:"the methods that it may be used for, such as GET; all when empty"`
	Paths    []string             `json:"paths,omitempty" doc:"the paths that it may be used for: /v1/charges, /v1/customers/* (one segment), /v1/** (any rest)"`
	Bodies   bool                 `json:"bodies,omitempty" deprecated:"true" doc:"refused: name the fields in places"`
	Places   []string             `json:"places,omitempty" doc:"where a stand-in may stand beside Authorization: header:NAME, query:NAME, body:FIELD, cookie:NAME, path"`
	Brings   []string             `json:"brings,omitempty" doc:"places in which the job may bring what looks like a credential of its own"`
	Tools    []string             `json:"tools,omitempty" doc:"the tools of a connection that may be called; none by default"`
	Rules    []hotcell.ToolRule   `json:"rules,omitempty" doc:"what must be true of a call, in CEL: args.channel == \"#ops\""`
	Approve  []string             `json:"approve,omitempty" doc:"tools whose every call waits for a person; * is all"`
	Files    []hotcell.SecretFile `json:"files,omitempty" doc:"variables of a secret that the jobs get as files (mode 0400, in memory), under /home/job, /job or /tmp, and not in their environment"`
	Fill     bool                 `json:"fill,omitempty" doc:"of a login: the browser itself may have the password, for sites that compute on it"`
	Evaluate bool                 `json:"evaluate,omitempty" doc:"of a login: the agent may run scripts in pages, which can read their cookies and their storage"`
	Unasked  []string             `json:"unasked,omitempty" doc:"tools that go without, although their connector has them wait"`
}

func (b NarrowingBody) narrowing() hotcell.Narrowing {
	return hotcell.Narrowing{
		Hosts: b.Hosts, Methods: b.Methods, Paths: b.Paths, Bodies: b.Bodies, Places: b.Places, Brings: b.Brings, Tools: b.Tools, Rules: b.Rules, Approve: b.Approve, Unasked: b.Unasked, Fill: b.Fill, Evaluate: b.Evaluate, Files: b.Files,
	}
}

type attach struct {
	ID   string `path:"id"`
	Body struct {
		Credential string `json:"credential"`
		As         string `json:"as,omitempty" enum:"env,stand-in,http,tools,login" doc:"env or stand-in for a secret, http or tools for a connection, login for a login; env and http when it is not given, and tools where tools are"`
		NarrowingBody
	}
}

type changeAttachment struct {
	ID   string `path:"id"`
	Body NarrowingBody
}

type confirmAttachment struct {
	ID   string `path:"id"`
	Body struct {
		Revision int `json:"revision" minimum:"1" doc:"that of the assignment, as it was looked at"`
	}
}

// attachmentBody is an attachment as it was made.
type attachmentBody struct {
	hotcell.Attachment
	Opens    string   `json:"opens,omitempty" doc:"the host and port that the jobs may reach by this attachment alone: the allow-list does not have them"`
	Warnings []string `json:"warnings,omitempty" doc:"what its rules leave free although they look as if they did not"`
}

func (s *service) assignments(api huma.API) {
	operation(s, api, http.MethodPost, "/v1/assignments", "create-assignment", "Create an assignment", http.StatusCreated, s.createAssignment)
	operation(s, api, http.MethodGet, "/v1/assignments", "list-assignments", "List assignments", http.StatusOK, s.listAssignments)
	operation(s, api, http.MethodGet, "/v1/assignments/{id}", "show-assignment", "Show an assignment and what is attached to it", http.StatusOK, s.showAssignment)
	operation(s, api, http.MethodPatch, "/v1/assignments/{id}", "change-assignment", "Change an assignment; its jobs keep what they were made with", http.StatusOK, s.changeAssignment)
	operation(s, api, http.MethodDelete, "/v1/assignments/{id}", "delete-assignment", "Delete an assignment; its jobs end", http.StatusNoContent, s.deleteAssignment)
	operation(s, api, http.MethodPost, "/v1/assignments/{id}/attachments", "attach", "Attach a credential to an assignment", http.StatusCreated, s.attach)
	operation(s, api, http.MethodPut, "/v1/attachments/{id}", "change-attachment", "Replace what an attachment allows; jobs that use it end where that is less than before", http.StatusOK, s.changeAttachment)
	operation(s, api, http.MethodPost, "/v1/attachments/{id}/confirm", "confirm-attachment", "Have jobs use an attachment again, whose assignment somebody else changed", http.StatusOK, s.confirmAttachment)
	operation(s, api, http.MethodDelete, "/v1/attachments/{id}", "detach", "Take an attachment away; jobs that use it end", http.StatusNoContent, s.detach)
}

func assignmentItem(answer *vaultrpc.AssignmentAnswer, err error) (*item[assignmentBody], error) {
	if err != nil {
		return nil, err
	}
	return itemOf(assignmentBody{Assignment: answer.Assignment, Attachments: answer.Attachments}, answer.Assignment.Revision), nil
}

// warned adds what the jobs of an assignment that was just made or changed would lack.
func (s *service) warned(out *item[assignmentBody], err error) (*item[assignmentBody], error) {
	if err != nil || s.InCells == nil || out.Body.Work.Image != "" {
		return out, err
	}
	if program := job.ProgramOf(out.Body.Work.Command); program != "" && !strings.Contains(program, "/") && !s.InCells(program) {
		out.Body.Warnings = append(out.Body.Warnings, fmt.Sprintf("there is no program %s in cells: give the assignment an image, or the server a toolchain (hotcell toolchains) or a mount (cells.mounts)", program))
	}
	return out, nil
}

func (s *service) createAssignment(ctx context.Context, p hotcell.Principal, in *createAssignment) (*item[assignmentBody], error) {
	work, err := in.Body.Work.work()
	if err == nil {
		err = s.checkNamed(work)
	}
	if err != nil {
		return nil, err
	}
	return s.warned(assignmentItem(s.Vault.CreateAssignment(ctx, &vaultrpc.CreateAssignmentRequest{By: vaultrpc.As(p), Name: in.Body.Name, Work: work})))
}

func (s *service) changeAssignment(ctx context.Context, p hotcell.Principal, in *changeAssignment) (*item[assignmentBody], error) {
	revision, err := in.revision()
	if err == nil {
		err = check(in.ID, hotcell.PrefixAssignment)
	}
	if err != nil {
		return nil, err
	}
	request := &vaultrpc.ChangeAssignmentRequest{By: vaultrpc.As(p), ID: hotcell.AssignmentID(in.ID), Revision: revision, Name: in.Body.Name}
	if in.Body.Work != nil {
		work, err := in.Body.Work.work()
		if err == nil {
			err = s.checkNamed(work)
		}
		if err != nil {
			return nil, err
		}
		request.Work = &work
	}
	return s.warned(assignmentItem(s.Vault.ChangeAssignment(ctx, request)))
}

func (s *service) listAssignments(ctx context.Context, p hotcell.Principal, in *listAssignments) (*list[hotcell.Assignment], error) {
	answer, err := s.Vault.Assignments(ctx, &vaultrpc.AssignmentsRequest{By: vaultrpc.As(p), Name: in.Name, Page: in.page()})
	if err != nil {
		return nil, err
	}
	return listOf(answer.Assignments, in.page(), func(a hotcell.Assignment) string { return string(a.ID) }), nil
}

func (s *service) showAssignment(ctx context.Context, p hotcell.Principal, in *assignmentID) (*item[assignmentBody], error) {
	if err := check(in.ID, hotcell.PrefixAssignment); err != nil {
		return nil, err
	}
	return assignmentItem(s.Vault.Assignment(ctx, &vaultrpc.AssignmentRequest{By: vaultrpc.As(p), ID: hotcell.AssignmentID(in.ID)}))
}

func (s *service) deleteAssignment(ctx context.Context, p hotcell.Principal, in *knownAssignment) (*empty, error) {
	revision, err := in.revision()
	if err == nil {
		err = check(in.ID, hotcell.PrefixAssignment)
	}
	if err != nil {
		return nil, err
	}
	return &empty{}, s.Vault.DeleteAssignment(ctx, &vaultrpc.AssignmentRequest{By: vaultrpc.As(p), ID: hotcell.AssignmentID(in.ID), Revision: revision})
}

func (s *service) attach(ctx context.Context, p hotcell.Principal, in *attach) (*item[attachmentBody], error) {
	if err := check(in.ID, hotcell.PrefixAssignment); err != nil {
		return nil, err
	}
	b := in.Body
	if err := check(b.Credential, hotcell.PrefixSecret); err != nil && check(b.Credential, hotcell.PrefixConnection) != nil && check(b.Credential, hotcell.PrefixLogin) != nil {
		return nil, err
	}
	answer, err := s.Vault.Attach(ctx, &vaultrpc.AttachRequest{
		By: vaultrpc.As(p), Assignment: hotcell.AssignmentID(in.ID), Credential: hotcell.CredentialID(b.Credential), As: hotcell.Injection(b.As),
		Narrowing: b.narrowing(),
	})
	if err != nil {
		return nil, err
	}
	return itemOf(attachmentBody{answer.Attachment, answer.Opens, answer.Warnings}, 1), nil
}

func (s *service) changeAttachment(ctx context.Context, p hotcell.Principal, in *changeAttachment) (*item[attachmentBody], error) {
	if err := check(in.ID, hotcell.PrefixAttachment); err != nil {
		return nil, err
	}
	answer, err := s.Vault.ChangeAttachment(ctx, &vaultrpc.ChangeAttachmentRequest{By: vaultrpc.As(p), Attachment: hotcell.AttachmentID(in.ID), Narrowing: in.Body.narrowing()})
	if err != nil {
		return nil, err
	}
	return itemOf(attachmentBody{answer.Attachment, answer.Opens, answer.Warnings}, 1), nil
}

func (s *service) confirmAttachment(ctx context.Context, p hotcell.Principal, in *confirmAttachment) (*item[attachmentBody], error) {
	if err := check(in.ID, hotcell.PrefixAttachment); err != nil {
		return nil, err
	}
	answer, err := s.Vault.ConfirmAttachment(ctx, &vaultrpc.ConfirmAttachmentRequest{By: vaultrpc.As(p), Attachment: hotcell.AttachmentID(in.ID), Revision: in.Body.Revision})
	if err != nil {
		return nil, err
	}
	return itemOf(attachmentBody{answer.Attachment, answer.Opens, answer.Warnings}, 1), nil
}

func (s *service) detach(ctx context.Context, p hotcell.Principal, in *assignmentID) (*empty, error) {
	if err := check(in.ID, hotcell.PrefixAttachment); err != nil {
		return nil, err
	}
	return &empty{}, s.Vault.Detach(ctx, &vaultrpc.DetachRequest{By: vaultrpc.As(p), Attachment: hotcell.AttachmentID(in.ID)})
}

// putFiles stores a folder, a tar archive, and answers its name.
func (s *service) putFiles(w http.ResponseWriter, r *http.Request) {
	files, err := s.Files.Put(r.Context(), http.MaxBytesReader(w, r.Body, hotcell.MaxFiles+32<<20+1))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = strictJSON.Marshal(w, files)
}

// describeFiles puts into the description what huma cannot stream.
func describeFiles(api huma.API) {
	schema := huma.SchemaFromType(api.OpenAPI().Components.Schemas, reflect.TypeFor[hotcell.Files]())
	api.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "put-files", Method: http.MethodPut, Path: "/v1/files", Summary: "Store a folder, a tar archive of at most 100 MiB, for an assignment's files",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/x-tar": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}},
		Responses:   map[string]*huma.Response{"201": {Description: "Created", Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}},
	})
}

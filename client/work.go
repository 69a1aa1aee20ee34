package client

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"hotcell"
)

// Assignment is an assignment and what is attached to it.
type Assignment struct {
	hotcell.Assignment
	Attachments []AttachedCredential `json:"attachments,omitempty"`
	// Warnings say what its jobs would lack; when it is made or changed.
	Warnings []string `json:"warnings,omitempty"`
}

// AttachedCredential is an attachment with what may be said of its credential.
type AttachedCredential struct {
	Attachment hotcell.Attachment `json:"attachment"`
	// The rest is empty where the caller may not know of it.
	Name      string       `json:"name,omitempty"`
	Tier      hotcell.Tier `json:"tier,omitempty"`
	Variables []string     `json:"variables,omitempty"`
	// Hosts are those that the values are bound to.
	Hosts []string            `json:"hosts,omitempty"`
	HTTP  *hotcell.HTTPAccess `json:"http,omitempty"`
}

// Attached is an attachment that was made.
type Attached struct {
	hotcell.Attachment
	// Opens is the host and port that the jobs may reach by it alone.
	Opens string `json:"opens,omitempty"`
	// Warnings say what its rules leave free although they look as if they did not.
	Warnings []string `json:"warnings,omitempty"`
}

type workBody struct {
	Command      string            `json:"command,omitempty"`
	Agent        string            `json:"agent,omitempty"`
	Instructions string            `json:"instructions,omitempty"`
	Files        *hotcell.Files    `json:"files,omitempty"`
	Allow        []hotcell.Allow   `json:"allow,omitempty"`
	Image        string            `json:"image,omitempty"`
	Limits       map[string]any    `json:"limits"`
	Environment  map[string]string `json:"environment,omitempty"`
	Browser      bool              `json:"browser,omitempty"`
	Drill        *hotcell.Drill    `json:"drill,omitempty"`
}

func bodyOf(w hotcell.Work) *workBody {
	limits := map[string]any{"memory": w.Limits.Memory, "disk": w.Limits.Disk, "pids": w.Limits.Pids, "cpu": w.Limits.CPU, "cache": w.Limits.Cache}
	if w.Limits.Timeout > 0 {
		limits["timeout"] = time.Duration(w.Limits.Timeout).String()
	}
	return &workBody{w.Command, w.Agent, w.Instructions, w.Files, w.Allow, w.Image, limits, w.Environment, w.Browser, w.Drill}
}

// CreateAssignment makes an assignment.
func (c *Client) CreateAssignment(ctx context.Context, name string, work hotcell.Work) (out Assignment, err error) {
	body := struct {
		Name string    `json:"name"`
		Work *workBody `json:"work"`
	}{name, bodyOf(work)}
	return out, c.json(ctx, http.MethodPost, "/v1/assignments", nil, "", body, &out)
}

// ChangeAssignment changes what is given of an assignment at the revision.
func (c *Client) ChangeAssignment(ctx context.Context, id hotcell.AssignmentID, revision int, name *string, work *hotcell.Work) (out Assignment, err error) {
	body := struct {
		Name *string   `json:"name,omitempty"`
		Work *workBody `json:"work,omitempty"`
	}{Name: name}
	if work != nil {
		body.Work = bodyOf(*work)
	}
	return out, c.json(ctx, http.MethodPatch, "/v1/assignments/"+url.PathEscape(string(id)), nil, ifMatch(revision), body, &out)
}

// Assignments lists assignments; an empty name lists all.
func (c *Client) Assignments(ctx context.Context, name string) ([]hotcell.Assignment, error) {
	return all[hotcell.Assignment](ctx, c, "/v1/assignments", named(name))
}

// Assignment shows an assignment.
func (c *Client) Assignment(ctx context.Context, id hotcell.AssignmentID) (out Assignment, err error) {
	return out, c.json(ctx, http.MethodGet, "/v1/assignments/"+url.PathEscape(string(id)), nil, "", nil, &out)
}

// DeleteAssignment deletes an assignment; its jobs end.
func (c *Client) DeleteAssignment(ctx context.Context, id hotcell.AssignmentID) error {
	return c.json(ctx, http.MethodDelete, "/v1/assignments/"+url.PathEscape(string(id)), nil, "*", nil, nil)
}

// Attach attaches a credential to an assignment; an empty injection is the
// credential's usual one. At most one narrowing is given.
func (c *Client) Attach(ctx context.Context, id hotcell.AssignmentID, credential hotcell.CredentialID, as hotcell.Injection, narrowing ...hotcell.Narrowing) (out Attached, err error) {
	body := struct {
		Credential hotcell.CredentialID `json:"credential"`
		As         hotcell.Injection    `json:"as,omitempty"`
		hotcell.Narrowing
	}{Credential: credential, As: as}
	if len(narrowing) > 0 {
		body.Narrowing = narrowing[0]
	}
	return out, c.json(ctx, http.MethodPost, "/v1/assignments/"+url.PathEscape(string(id))+"/attachments", nil, "", body, &out)
}

// ChangeAttachment replaces what an attachment allows; jobs that use it end where that is
// less than before.
func (c *Client) ChangeAttachment(ctx context.Context, id hotcell.AttachmentID, narrowing hotcell.Narrowing) (out Attached, err error) {
	return out, c.json(ctx, http.MethodPut, "/v1/attachments/"+url.PathEscape(string(id)), nil, "", narrowing, &out)
}

// ConfirmAttachment has jobs use an attachment again, whose assignment somebody else
// changed; revision is that of the assignment, as it was looked at.
func (c *Client) ConfirmAttachment(ctx context.Context, id hotcell.AttachmentID, revision int) (out Attached, err error) {
	body := struct {
		Revision int `json:"revision"`
	}{revision}
	return out, c.json(ctx, http.MethodPost, "/v1/attachments/"+url.PathEscape(string(id))+"/confirm", nil, "", body, &out)
}

// Detach takes an attachment away.
func (c *Client) Detach(ctx context.Context, id hotcell.AttachmentID) error {
	return c.json(ctx, http.MethodDelete, "/v1/attachments/"+url.PathEscape(string(id)), nil, "", nil, nil)
}

// Images lists the images that assignments may name.
func (c *Client) Images(ctx context.Context) ([]hotcell.Image, error) {
	return all[hotcell.Image](ctx, c, "/v1/images", nil)
}

// Agents lists the agents that assignments may name.
func (c *Client) Agents(ctx context.Context) ([]hotcell.Agent, error) {
	return all[hotcell.Agent](ctx, c, "/v1/agents", nil)
}

// PutFiles uploads a folder as a tar archive.
func (c *Client) PutFiles(ctx context.Context, archive io.Reader) (out hotcell.Files, err error) {
	answer, err := c.do(ctx, call{method: http.MethodPut, path: "/v1/files", body: archive, kind: "application/x-tar", header: http.Header{}})
	if err != nil {
		return out, err
	}
	defer func() { _ = answer.Body.Close() }()
	return out, json.NewDecoder(answer.Body).Decode(&out)
}

// Run makes a job of an assignment and queues it.
func (c *Client) Run(ctx context.Context, id hotcell.AssignmentID, arguments []string) (out hotcell.Job, err error) {
	body := struct {
		Arguments []string `json:"arguments,omitempty"`
	}{arguments}
	return out, c.json(ctx, http.MethodPost, "/v1/assignments/"+url.PathEscape(string(id))+"/jobs", nil, "", body, &out)
}

// Try makes a job that looks around in the cell that the assignment's jobs get, in the
// place of doing its work. Its log has a line a verdict: ok, note or LACK, a name and a
// detail, with tabs between.
func (c *Client) Try(ctx context.Context, id hotcell.AssignmentID) (out hotcell.Job, err error) {
	body := struct {
		Trial bool `json:"trial"`
	}{true}
	return out, c.json(ctx, http.MethodPost, "/v1/assignments/"+url.PathEscape(string(id))+"/jobs", nil, "", body, &out)
}

// External is a job for an agent elsewhere, which calls its tools at URL with
// Token. The token is told this once.
type External struct {
	hotcell.Job
	Token string `json:"token"`
	URL   string `json:"url"`
}

// Open makes an external job of an assignment, which lives that long; 0 is the
// server's default.
func (c *Client) Open(ctx context.Context, id hotcell.AssignmentID, life time.Duration) (out External, err error) {
	body := struct {
		External bool   `json:"external"`
		TTL      string `json:"ttl,omitempty"`
	}{External: true}
	if life != 0 {
		body.TTL = life.String()
	}
	return out, c.json(ctx, http.MethodPost, "/v1/assignments/"+url.PathEscape(string(id))+"/jobs", nil, "", body, &out)
}

// Jobs lists jobs, newest first.
func (c *Client) Jobs(ctx context.Context, filter hotcell.JobFilter, limit int) ([]hotcell.Job, error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if filter.Assignment != "" {
		query.Set("assignment", string(filter.Assignment))
	}
	if filter.State != "" {
		query.Set("state", string(filter.State))
	}
	var page struct {
		Items []hotcell.Job `json:"items"`
	}
	return page.Items, c.json(ctx, http.MethodGet, "/v1/jobs", query, "", nil, &page)
}

// Job shows a job.
func (c *Client) Job(ctx context.Context, id hotcell.JobID) (out hotcell.Job, err error) {
	return out, c.json(ctx, http.MethodGet, "/v1/jobs/"+url.PathEscape(string(id)), nil, "", nil, &out)
}

// Cancel ends a job and every process of it.
func (c *Client) Cancel(ctx context.Context, id hotcell.JobID) (out hotcell.Job, err error) {
	return out, c.json(ctx, http.MethodPost, "/v1/jobs/"+url.PathEscape(string(id))+"/cancel", nil, "", nil, &out)
}

// Log returns a job's log after a chunk, a page at the most.
func (c *Client) Log(ctx context.Context, id hotcell.JobID, after int64) ([]hotcell.LogChunk, error) {
	var page struct {
		Items []hotcell.LogChunk `json:"items"`
	}
	query := url.Values{"after": {strconv.FormatInt(after, 10)}}
	return page.Items, c.json(ctx, http.MethodGet, "/v1/jobs/"+url.PathEscape(string(id))+"/log", query, "", nil, &page)
}

// Out returns what a job left in /job/out, a tar archive. The caller closes it.
func (c *Client) Out(ctx context.Context, id hotcell.JobID) (io.ReadCloser, error) {
	answer, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/jobs/" + url.PathEscape(string(id)) + "/out"})
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

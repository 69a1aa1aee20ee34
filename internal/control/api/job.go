package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/control/job"
)

type createJob struct {
	ID   string `path:"id"`
	Body struct {
		Arguments []string `json:"arguments,omitempty" doc:"what follows the command"`
		External  bool     `json:"external,omitempty" doc:"no cell: an agent elsewhere calls the job's tools, with the token that the answer tells once"`
		Trial     bool     `json:"trial,omitempty" doc:"run the house's own look around in the job's cell, in the place of its command: its log is verdicts, a line each"`
		TTL       string   `json:"ttl,omitempty" doc:"how long an external job lives, such as 1h, which it is when empty; 24h at the most"`
	}
}

// madeJob is a job that was made; an external one with how to get to it.
type madeJob struct {
	Body struct {
		job.Made
		URL string `json:"url,omitempty" doc:"where an external job's tools are: Model Context Protocol, streamable HTTP"`
	}
}

type jobID struct {
	ID string `path:"id"`
}

type listJobs struct {
	Paging
	Assignment string `query:"assignment"`
	State      string `query:"state" enum:"queued,starting,running,waiting,succeeded,failed,cancelled,timed out,lost"`
}

type jobLog struct {
	ID     string `path:"id"`
	After  int64  `query:"after" minimum:"0" doc:"the sequence of the last chunk that you have"`
	Last   string `header:"Last-Event-ID"`
	Accept string `header:"Accept"`
}

type jobItem struct{ Body hotcell.Job }

func (s *service) jobs(api huma.API) {
	operation(s, api, http.MethodPost, "/v1/assignments/{id}/jobs", "run", "Make a job of an assignment and queue it", http.StatusAccepted, s.createJob)
	operation(s, api, http.MethodGet, "/v1/jobs", "list-jobs", "List jobs, newest first", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *listJobs) (*list[hotcell.Job], error) {
			filter := hotcell.JobFilter{Assignment: hotcell.AssignmentID(in.Assignment), State: hotcell.JobState(in.State)}
			jobs, err := s.Jobs.Jobs(ctx, p, filter, in.page())
			if err != nil {
				return nil, err
			}
			return listOf(jobs, in.page(), func(j hotcell.Job) string { return string(j.ID) }), nil
		})
	operation(s, api, http.MethodGet, "/v1/jobs/{id}", "show-job", "Show a job", http.StatusOK, s.showJob)
	operation(s, api, http.MethodPost, "/v1/jobs/{id}/cancel", "cancel-job", "End a job and every process of it", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *jobID) (*jobItem, error) {
			if err := check(in.ID, hotcell.PrefixJob); err != nil {
				return nil, err
			}
			j, err := s.Jobs.Cancel(ctx, p, hotcell.JobID(in.ID))
			return &jobItem{j}, err
		})
	operation(s, api, http.MethodGet, "/v1/jobs/{id}/log", "job-log", "A job's log: a page in JSON, or followed live as text/event-stream", http.StatusOK, s.jobLog)
	operation(s, api, http.MethodGet, "/v1/jobs/{id}/browser", "view-browser", "What your job's browser shows, live: a line of JSON a frame, fields for secrets painted over", http.StatusOK, s.viewBrowser)
	operation(s, api, http.MethodPost, "/v1/jobs/{id}/browser/learn", "learn-way", "Find out how a login of your job signs in: nothing of it is sent", http.StatusOK, s.learnWay)
	operation(s, api, http.MethodPost, "/v1/jobs/{id}/browser", "hand-browser", "Take over your job's browser, do something in it, give it back", http.StatusNoContent, s.handBrowser)
	operation(s, api, http.MethodGet, "/v1/jobs/{id}/out", "job-out", "What a job left in /job/out, as a tar archive", http.StatusOK, s.jobOut)
}

// defaultTTL is how long an external job lives where nobody says.
const defaultTTL = time.Hour

func (s *service) createJob(ctx context.Context, p hotcell.Principal, in *createJob) (*madeJob, error) {
	if err := check(in.ID, hotcell.PrefixAssignment); err != nil {
		return nil, err
	}
	d := job.Draft{Assignment: hotcell.AssignmentID(in.ID), Arguments: in.Body.Arguments, Trial: in.Body.Trial}
	if d.Trial && (in.Body.External || len(d.Arguments) > 0) {
		return nil, hotcell.Invalid("/trial", "a trial has a cell, and no arguments")
	}
	if in.Body.External {
		life := hotcell.Duration(defaultTTL)
		if in.Body.TTL != "" && life.UnmarshalText([]byte(in.Body.TTL)) != nil || life <= 0 {
			return nil, hotcell.Invalid("/ttl", `a duration is written like "10m" or "1h30m"`)
		}
		d.External = time.Duration(life)
	} else if in.Body.TTL != "" {
		return nil, hotcell.Invalid("/ttl", "it is for external jobs; others have their assignment's time limit")
	}
	made, err := s.Jobs.Create(ctx, p, d)
	out := &madeJob{}
	if out.Body.Made = made; made.External {
		out.Body.URL = s.base() + ToolsPath
	}
	return out, err
}

func (s *service) showJob(ctx context.Context, p hotcell.Principal, in *jobID) (*jobItem, error) {
	if err := check(in.ID, hotcell.PrefixJob); err != nil {
		return nil, err
	}
	j, err := s.Jobs.Job(ctx, p, hotcell.JobID(in.ID))
	return &jobItem{j}, err
}

// jobLog answers with a page, or with a stream that ends with the job.
func (s *service) jobLog(ctx context.Context, p hotcell.Principal, in *jobLog) (*huma.StreamResponse, error) {
	if err := check(in.ID, hotcell.PrefixJob); err != nil {
		return nil, err
	}
	id, after := hotcell.JobID(in.ID), in.After
	if n, err := strconv.ParseInt(in.Last, 10, 64); err == nil && n > after {
		after = n
	}
	if _, err := s.Jobs.Job(ctx, p, id); err != nil {
		return nil, err
	}
	if strings.Contains(in.Accept, "text/event-stream") {
		return &huma.StreamResponse{Body: func(hc huma.Context) { s.follow(hc, p, id, after) }}, nil
	}
	chunks, err := s.Jobs.Log(ctx, p, id, after)
	if err != nil {
		return nil, err
	}
	page := struct {
		Items []hotcell.LogChunk `json:"items"`
	}{chunks}
	if chunks == nil {
		page.Items = []hotcell.LogChunk{}
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "application/json")
		_ = strictJSON.Marshal(hc.BodyWriter(), page)
	}}, nil
}

// follow writes server-sent events (WHATWG HTML section 9.2): a chunk each, and
// the job at its end.
func (s *service) follow(hc huma.Context, p hotcell.Principal, id hotcell.JobID, after int64) {
	hc.SetHeader("Content-Type", "text/event-stream")
	hc.SetStatus(http.StatusOK)
	w := hc.BodyWriter()
	flush := func() {
		if rw, ok := w.(http.ResponseWriter); ok {
			_ = http.NewResponseController(rw).Flush()
		}
	}
	flush()
	j, err := s.Jobs.Follow(hc.Context(), p, id, after, func(chunks []hotcell.LogChunk) error {
		for _, c := range chunks {
			data, err := json.Marshal(c)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "id: %d\nevent: log\ndata: %s\n\n", c.Sequence, data); err != nil {
				return err
			}
		}
		flush()
		return nil
	})
	if err != nil {
		return // the stream breaks off without an end: the client asks again
	}
	if data, err := json.Marshal(j); err == nil {
		_, _ = fmt.Fprintf(w, "event: end\ndata: %s\n\n", data)
	}
	flush()
}

func (s *service) jobOut(ctx context.Context, p hotcell.Principal, in *jobID) (*huma.StreamResponse, error) {
	if err := check(in.ID, hotcell.PrefixJob); err != nil {
		return nil, err
	}
	archive, size, err := s.Jobs.Output(ctx, p, hotcell.JobID(in.ID))
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer func() { _ = archive.Close() }()
		hc.SetHeader("Content-Type", "application/x-tar")
		hc.SetHeader("Content-Length", strconv.FormatInt(size, 10))
		_, _ = io.Copy(hc.BodyWriter(), archive)
	}}, nil
}

package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/site"
	"hotcell/internal/wire/egress"
)

type listRequests struct {
	Paging
	State string `query:"state" enum:"pending,approved,refused,expired"`
	Job   string `query:"job"`
}

type oneRequest struct {
	ID string `path:"id"`
}

type approveRequest struct {
	ID   string `path:"id"`
	Body struct {
		Standing   bool   `json:"standing,omitempty" doc:"for the assignment and all its jobs to come, and not for this job alone"`
		Credential string `json:"credential,omitempty" doc:"the login that answers a request for one"`
	}
}

type requestItem struct{ Body hotcell.Request }

func (s *service) requests(api huma.API) {
	operation(s, api, http.MethodGet, "/v1/requests", "list-requests", "What jobs ask people for, newest first", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *listRequests) (*list[hotcell.Request], error) {
			answer, err := s.Vault.Requests(ctx, &vaultrpc.RequestsRequest{By: vaultrpc.As(p), State: hotcell.RequestState(in.State), Job: hotcell.JobID(in.Job), Page: in.page()})
			if err != nil {
				return nil, err
			}
			return listOf(answer.Requests, in.page(), func(q hotcell.Request) string { return string(q.ID) }), nil
		})
	operation(s, api, http.MethodGet, "/v1/requests/{id}", "show-request", "Show a request", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *oneRequest) (*requestItem, error) {
			return requestOf(s.Vault.Request(ctx, &vaultrpc.RequestRequest{By: vaultrpc.As(p), ID: hotcell.RequestID(in.ID)}))
		})
	operation(s, api, http.MethodPost, "/v1/requests/{id}/approve", "approve-request", "Let the job reach what it asks for", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *approveRequest) (*requestItem, error) {
			return requestOf(s.Vault.DecideRequest(ctx, &vaultrpc.DecideRequestRequest{By: vaultrpc.As(p), ID: hotcell.RequestID(in.ID), Approve: true, Standing: in.Body.Standing, Credential: hotcell.CredentialID(in.Body.Credential)}))
		})
	operation(s, api, http.MethodPost, "/v1/requests/{id}/refuse", "refuse-request", "Refuse what a job asks for", http.StatusOK,
		func(ctx context.Context, p hotcell.Principal, in *oneRequest) (*requestItem, error) {
			return requestOf(s.Vault.DecideRequest(ctx, &vaultrpc.DecideRequestRequest{By: vaultrpc.As(p), ID: hotcell.RequestID(in.ID)}))
		})
	operation(s, api, http.MethodPost, "/v1/requests/{id}/link", "link-request", "Make a link by which a person gives the login that is asked for", http.StatusCreated, s.linkRequest)
	operation(s, api, http.MethodPost, "/v1/explain", "explain", "Say what would become of a request of a job", http.StatusOK, s.explain)
}

type requestLink struct {
	Body struct {
		URL     string    `json:"url" doc:"to open in a browser: told this once, and good until the request is answered"`
		Expires time.Time `json:"expires"`
	}
}

func (s *service) linkRequest(ctx context.Context, p hotcell.Principal, in *oneRequest) (*requestLink, error) {
	made, err := s.Vault.LinkAsked(ctx, &vaultrpc.LinkAskedRequest{By: vaultrpc.As(p), ID: hotcell.RequestID(in.ID)})
	if err != nil {
		return nil, err
	}
	out := &requestLink{}
	out.Body.URL, out.Body.Expires = s.base()+answerPath+made.Token, made.Expires.UTC()
	return out, nil
}

func requestOf(answer *vaultrpc.RequestAnswer, err error) (*requestItem, error) {
	if err != nil {
		return nil, err
	}
	return &requestItem{answer.Request}, nil
}

type explainRequest struct {
	Body struct {
		Job        string `json:"job,omitempty"`
		Assignment string `json:"assignment,omitempty"`
		Method     string `json:"method"`
		URL        string `json:"url"`
	}
}

// explainedUse is one credential that goes onto a request.
type explainedUse struct {
	Name   string   `json:"name"`
	As     string   `json:"as" doc:"http or stand-in"`
	Places []string `json:"places,omitempty" doc:"where a stand-in is swapped for its value"`
}

type explained struct {
	Body struct {
		Allowed     bool           `json:"allowed"`
		Reason      string         `json:"reason,omitempty" doc:"why not"`
		Rule        string         `json:"rule,omitempty" doc:"what allows it"`
		Credential  string         `json:"credential,omitempty" doc:"whose value the vault puts on; of several, the first one's"`
		As          string         `json:"as,omitempty" doc:"how: http or stand-in"`
		Credentials []explainedUse `json:"credentials,omitempty" doc:"all whose values the vault puts on"`
		Model       bool           `json:"model,omitempty" doc:"a model host, to which nothing of a value goes"`
		Withheld    []string       `json:"withheld,omitempty" doc:"at a model host: secrets whose variables are bound to other hosts, or none: their values are taken out, and a request that shows one as its key is refused"`
		Warning     string         `json:"warning,omitempty" doc:"what keeps the job itself from starting"`
	}
}

func (s *service) explain(ctx context.Context, p hotcell.Principal, in *explainRequest) (*explained, error) {
	u, err := url.Parse(in.Body.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, hotcell.Invalid("/url", "write an https URL")
	}
	host, err := site.Host(u.Hostname())
	if err != nil {
		return nil, hotcell.Invalid("/url", "write an https URL with a host")
	}
	port := 443
	if u.Port() != "" {
		port, _ = strconv.Atoi(u.Port()) // url.Parse has seen to it
	}
	if (in.Body.Job == "") == (in.Body.Assignment == "") {
		return nil, hotcell.Invalid("/job", "name a job or an assignment")
	}
	answer, err := s.Vault.Explain(ctx, &vaultrpc.ExplainRequest{By: vaultrpc.As(p), Job: hotcell.JobID(in.Body.Job), Assignment: hotcell.AssignmentID(in.Body.Assignment)})
	if err != nil {
		return nil, err
	}
	rules := s.Egress
	rules.Allow, rules.Uses = answer.Allow, answer.Uses
	_, rest, _ := strings.Cut(in.Body.URL, "://")
	uri := strings.TrimPrefix(rest, u.Host)
	if !strings.HasPrefix(uri, "/") {
		uri = "/" + uri
	}
	return explainedOf(rules, rules.Request(host, port, strings.ToUpper(in.Body.Method), uri), host, port, answer.Dead, in.Body.Job != ""), nil
}

func explainedOf(rules egress.Rules, v egress.Verdict, host string, port int, dead string, job bool) *explained {
	out := &explained{}
	b := &out.Body
	b.Allowed, b.Reason, b.Rule, b.Model = v.Allowed, v.Reason, v.Rule, v.Model
	for i, use := range v.Uses {
		if i == 0 {
			b.Credential, b.As = use.Name, string(use.As)
		}
		b.Credentials = append(b.Credentials, explainedUse{use.Name, string(use.As), egress.Places(use, host)})
	}
	for _, use := range rules.Uses {
		if v.Allowed && v.Model && use.As == hotcell.InjectEnvironment && !egress.Bound(&use, host, port) {
			b.Withheld = append(b.Withheld, use.Name)
		}
	}
	if dead != "" && job {
		b.Allowed, b.Reason, b.Rule = false, dead, ""
	} else {
		b.Warning = dead
	}
	return out
}

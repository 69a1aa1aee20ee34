package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"hotcell"
)

// Requests lists what jobs ask people for, newest first; an empty state or job
// is any.
func (c *Client) Requests(ctx context.Context, state hotcell.RequestState, job hotcell.JobID) ([]hotcell.Request, error) {
	query := url.Values{"limit": {"100"}}
	if state != "" {
		query.Set("state", string(state))
	}
	if job != "" {
		query.Set("job", string(job))
	}
	var page struct {
		Items []hotcell.Request `json:"items"`
	}
	return page.Items, c.json(ctx, http.MethodGet, "/v1/requests", query, "", nil, &page)
}

// Request shows a request.
func (c *Client) Request(ctx context.Context, id hotcell.RequestID) (out hotcell.Request, err error) {
	return out, c.json(ctx, http.MethodGet, "/v1/requests/"+url.PathEscape(string(id)), nil, "", nil, &out)
}

// DecideRequest approves or refuses a request; standing approves it for the
// assignment and all its jobs to come. A request for a login is answered with one;
// for others it is empty.
func (c *Client) DecideRequest(ctx context.Context, id hotcell.RequestID, approve, standing bool, login hotcell.CredentialID) (out hotcell.Request, err error) {
	verb, body := "refuse", any(nil)
	if approve {
		verb, body = "approve", struct {
			Standing   bool                 `json:"standing,omitempty"`
			Credential hotcell.CredentialID `json:"credential,omitempty"`
		}{standing, login}
	}
	return out, c.json(ctx, http.MethodPost, "/v1/requests/"+url.PathEscape(string(id))+"/"+verb, nil, "", body, &out)
}

// RequestLink is a link by which a person gives the login that a job asks for.
type RequestLink struct {
	URL     string    `json:"url"`
	Expires time.Time `json:"expires"`
}

// LinkRequest makes one. It is a secret, good until the request is answered.
func (c *Client) LinkRequest(ctx context.Context, id hotcell.RequestID) (out RequestLink, err error) {
	return out, c.json(ctx, http.MethodPost, "/v1/requests/"+url.PathEscape(string(id))+"/link", nil, "", nil, &out)
}

// ExplainedUse is a credential that goes onto a request, and how.
type ExplainedUse struct {
	Name string `json:"name"`
	As   string `json:"as"`
	// Places are where it may stand.
	Places []string `json:"places,omitempty"`
}

// Explanation is what would become of a request of a job.
type Explanation struct {
	Allowed    bool   `json:"allowed"`
	Reason     string `json:"reason,omitempty"`
	Rule       string `json:"rule,omitempty"`
	Credential string `json:"credential,omitempty"`
	// Credentials are all that go onto it.
	Credentials []ExplainedUse `json:"credentials,omitempty"`
	As          string         `json:"as,omitempty"`
	Model       bool           `json:"model,omitempty"`
	// Withheld are secrets whose values are taken out there, and refused as a key.
	Withheld []string `json:"withheld,omitempty"`
	Warning  string   `json:"warning,omitempty"`
}

// Explain says what would become of a request; of is a job's id or an assignment's.
func (c *Client) Explain(ctx context.Context, of, method, target string) (out Explanation, err error) {
	body := map[string]string{"assignment": of, "method": method, "url": target}
	if hotcell.CheckID(of, hotcell.PrefixJob) == nil {
		delete(body, "assignment")
		body["job"] = of
	}
	return out, c.json(ctx, http.MethodPost, "/v1/explain", nil, "", body, &out)
}

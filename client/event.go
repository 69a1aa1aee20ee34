package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"hotcell"
)

// Verified is how far the audit log's chain holds.
type Verified struct {
	// Events is how many events were checked and fit.
	Events int64 `json:"events"`
	// Head is the hash of the last of them.
	Head []byte `json:"head,omitempty"`
	// Broken is the sequence of the first event that does not fit; 0 for none.
	Broken int64  `json:"broken,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Removed is how many events before them retention removed, RemovedAt when that
	// was decided last.
	Removed   int64      `json:"removed"`
	RemovedAt *time.Time `json:"removed_at"`
}

// Events lists the audit log.
func (c *Client) Events(ctx context.Context, f hotcell.EventFilter) ([]hotcell.Event, error) {
	query := url.Values{}
	for name, value := range map[string]string{
		"kind": f.Kind, "decision": string(f.Decision), "member": string(f.Member), "job": string(f.Job),
		"credential": string(f.Credential), "assignment": string(f.Assignment),
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for name, value := range map[string]int64{"before": f.Before, "after": f.After, "limit": int64(f.Limit)} {
		if value != 0 {
			query.Set(name, strconv.FormatInt(value, 10))
		}
	}
	if f.Ascending {
		query.Set("ascending", "true")
	}
	var page struct {
		Items []hotcell.Event `json:"items"`
	}
	return page.Items, c.json(ctx, http.MethodGet, "/v1/events", query, "", nil, &page)
}

// Verify checks the audit log's chain from its first event on.
func (c *Client) Verify(ctx context.Context) (out Verified, err error) {
	return out, c.json(ctx, http.MethodGet, "/v1/events/verify", nil, "", nil, &out)
}

// Package client is the Go client of Hotcell's REST API; the command line uses
// nothing but this.
//
// Values that it is given are sealed to the workspace's key before they leave
// the process, and the key is held against the one that was seen first. It
// holds no rules. One way to use it:
//
//	c := client.New(client.Options{Socket: "/var/lib/hotcell/hotcell.sock"})
//	secret, err := c.CreateSecret(ctx, client.SecretDraft{Name: "billing", Variables: variables})
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"hotcell"
)

// Client calls one server.
type Client struct {
	http *http.Client
	pin  Pin
	// name is how people and pins know the server: its socket's path, or its URL.
	name, base string
	// prove puts onto a request what it proves itself by; nil for none. The bearer is
	// within it, since a field of its own would be printed with the client.
	prove     func(*http.Request)
	workspace hotcell.WorkspaceID
	// remote is true where it is at a URL.
	remote bool
	// confirm asks a person; nil for nobody.
	confirm Confirm
	// fault is why there is no server to call.
	fault error
}

// Error is what the server answered to a call that failed. It is the sentinel
// of the vocabulary that its code stands for.
type Error struct {
	Status    int    `json:"status"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	RequestID string `json:"request_id"`
	// Current is the revision to read, where the one that was given is stale.
	Current int `json:"current"`
	// Fields say which parts of the request break which rules.
	Fields []hotcell.FieldError `json:"errors"`
	// Operation is what is to be confirmed, where that is so.
	Operation hotcell.Operation `json:"operation"`
}

func (e *Error) Error() string { return e.Detail }

// Unwrap is the sentinel.
func (e *Error) Unwrap() error { return sentinels[e.Code] }

var sentinels = map[string]error{
	"not_found": hotcell.ErrNotFound, "sign_in": hotcell.ErrSignIn, "denied": hotcell.ErrDenied, "confirm": hotcell.ErrConfirm, "foreign": hotcell.ErrDenied, "conflict": hotcell.ErrConflict, "stale": hotcell.ErrStale,
	"invalid": hotcell.ErrInvalid, "bad_request": hotcell.ErrInvalid, "too_large": hotcell.ErrInvalid, "precondition_required": hotcell.ErrInvalid,
	"unavailable": hotcell.ErrUnavailable, "needs_reconnect": hotcell.ErrNeedsReconnect, "rate_limited": hotcell.ErrRateLimited, "tampered": hotcell.ErrTampered,
}

// call is one request.
type call struct {
	method string
	path   string
	query  url.Values
	header http.Header
	body   io.Reader
	kind   string
}

// tried makes a call; an answer that is not 2xx is an [*Error]. Where the vault does not know
// any more whom it let in by a connection to its socket, since it was started anew, a new
// connection is made, once: nothing was done.
func (c *Client) tried(ctx context.Context, k call) (*http.Response, error) {
	answer, err := c.once(ctx, k)
	if c.remote || c.fault != nil || !errors.Is(err, hotcell.ErrSignIn) {
		return answer, err
	}
	if again, ok := k.body.(io.Seeker); ok {
		if _, err := again.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("asking the server again: %w", err)
		}
	} else if k.body != nil {
		return answer, err
	}
	c.http.CloseIdleConnections()
	return c.once(ctx, k)
}

// once is do, once.
func (c *Client) once(ctx context.Context, k call) (*http.Response, error) {
	if c.fault != nil {
		return nil, c.fault
	}
	target := c.base + k.path
	if len(k.query) > 0 {
		target += "?" + k.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, k.method, target, k.body)
	if err != nil {
		return nil, fmt.Errorf("asking the server: %w", err)
	}
	if k.header != nil {
		request.Header = k.header.Clone()
	}
	if c.prove != nil {
		c.prove(request)
	}
	if c.workspace != "" {
		request.Header.Set("Hotcell-Workspace", string(c.workspace))
	}
	if k.kind != "" {
		request.Header.Set("Content-Type", k.kind)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, c.failure(ctx, err)
	}
	if c.remote && !ours(answer) {
		defer func() { _ = answer.Body.Close() }()
		return nil, c.stranger(answer)
	}
	if answer.StatusCode/100 == 2 {
		return answer, nil
	}
	defer func() { _ = answer.Body.Close() }()
	problem := &Error{Status: answer.StatusCode}
	if json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(problem) != nil || problem.Detail == "" {
		problem.Detail = "the server answered " + answer.Status
	}
	return nil, problem
}

// json makes a call in JSON. Either body may be nil.
func (c *Client) json(ctx context.Context, method, path string, query url.Values, ifMatch string, in, out any) error {
	k := call{method: method, path: path, query: query, header: http.Header{}}
	if ifMatch != "" {
		k.header.Set("If-Match", ifMatch)
	}
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("writing a request: %w", err)
		}
		k.body, k.kind = bytes.NewReader(text), "application/json"
	}
	answer, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if out == nil {
		_, err = io.Copy(io.Discard, answer.Body)
		return err
	}
	if err := json.NewDecoder(answer.Body).Decode(out); err != nil {
		return fmt.Errorf("reading the server's answer: %w", err)
	}
	return nil
}

// Workspace is the caller's workspace, who they are in it, and the key that
// values are sealed to.
type Workspace struct {
	Workspace hotcell.Workspace `json:"workspace"`
	Member    hotcell.Member    `json:"member"`
	// PublicKey is an X25519 key in the form of package parcel.
	PublicKey   []byte `json:"public_key"`
	Fingerprint string `json:"fingerprint"`
	// Identity is the vault's long-lived Ed25519 key, whose Signature says that the
	// public key is its own, the one of that Sequence; none of a server of old.
	Identity            []byte `json:"identity,omitempty"`
	IdentityFingerprint string `json:"identity_fingerprint,omitempty"`
	Sequence            uint64 `json:"sequence,omitempty"`
	Signature           []byte `json:"signature,omitempty"`
}

// Workspace returns the caller's workspace.
func (c *Client) Workspace(ctx context.Context) (Workspace, error) {
	var out Workspace
	return out, c.json(ctx, http.MethodGet, "/v1/workspace", nil, "", nil, &out)
}

// all reads a list to its end, page by page.
func all[T any](ctx context.Context, c *Client, path string, query url.Values) ([]T, error) {
	var out []T
	for {
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"next"`
		}
		if err := c.json(ctx, http.MethodGet, path, query, "", nil, &page); err != nil {
			return nil, err
		}
		out = append(out, page.Items...)
		if page.Next == "" {
			return out, nil
		}
		query.Set("after", page.Next)
	}
}

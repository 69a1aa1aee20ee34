package api_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"hotcell/internal/control/api/apitest"
)

// face is the API on its socket, as curl sees it.
type face struct {
	t      *testing.T
	world  *apitest.World
	client *http.Client
}

func setup(t *testing.T) *face {
	t.Helper()
	world := apitest.New(t)
	socket := world.Serve(t)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &face{t, world, &http.Client{Transport: transport}}
}

// reply is an answer, and what it says where it is a problem.
type reply struct {
	status int
	header http.Header
	body   string
	problem
}

type problem struct {
	Type, Title, Detail, Instance, Code string
	RequestID                           string `json:"request_id"`
	Current                             int
	Errors                              []struct{ Pointer, Detail string }
}

// ask asks; headers are given as pairs of name and value.
func (f *face) ask(method, path, body string, headers ...string) reply {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := f.client.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	out := reply{status: answer.StatusCode, header: answer.Header, body: string(text)}
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "application/problem+json") {
		if err := json.Unmarshal(text, &out.problem); err != nil {
			f.t.Errorf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return out
}

// made asks for something to be made, and returns its id.
func (f *face) made(path, body string) string {
	f.t.Helper()
	r := f.ask("POST", path, body)
	return r.id(f.t)
}

func (r reply) id(t *testing.T) string {
	t.Helper()
	var item struct{ ID string }
	if err := json.Unmarshal([]byte(r.body), &item); err != nil || item.ID == "" || r.status >= 300 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	return item.ID
}

// names are the names in a list, and where the next page begins.
func (r reply) names(t *testing.T) (names []string, next string) {
	t.Helper()
	var list struct {
		Items []struct{ Name string }
		Next  string
	}
	if err := json.Unmarshal([]byte(r.body), &list); err != nil || list.Items == nil || r.status != http.StatusOK {
		t.Fatalf("%d %s: %v", r.status, r.body, err)
	}
	for _, item := range list.Items {
		names = append(names, item.Name)
	}
	return names, list.Next
}

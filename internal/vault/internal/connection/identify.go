package connection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/text/words"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/book"
	"hotcell/internal/vault/internal/courier"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/oauth"
)

// errMute is a connector that knows no way to ask who is connected.
var errMute = errors.New("there is no way to ask who is connected")

// errStrange is what a service said that nobody can make sense of.
var errStrange = fmt.Errorf("%w: the service answered in a way that is not understood", hotcell.ErrUnavailable)

// identify asks the service whose the values are.
func (s *Service) identify(ctx context.Context, to target, fields []door.Field) (id, name string, err error) {
	run := to.connector.Identify(to.settings, s.Now())
	if run == nil {
		return "", "", errMute
	}
	patterns, err := patternsOf(to.name, to.auth, fields)
	if err != nil {
		return "", "", err
	}
	if err := s.inquire(ctx, to, run, spent(fields), patterns); err != nil {
		return "", "", err
	}
	if run.Nameless() {
		return "", "", nil
	}
	if id, name = run.Identity(); id == "" || name == "" || patterns.Contains([]byte(id+"\n"+name)) {
		return "", "", errStrange
	}
	return id, name, nil
}

// patternsOf finds the values of a connection in what a service answers.
func patternsOf(name string, by hotcell.Auth, fields []door.Field) (*guard.Patterns, error) {
	values := make([]sensitive.Bytes, 0, len(fields))
	for _, f := range fields {
		values = append(values, f.Value)
	}
	return courier.Patterns(guard.Label{ID: name, Name: name}, by, values...)
}

// inquire does the request of a document about who is connected: with the value on it, or
// as the client where that is who asks.
func (s *Service) inquire(ctx context.Context, to target, run *connector.Run, value sensitive.Bytes, patterns *guard.Patterns) error {
	if run.AsksAs() == "" {
		_, _, err := s.Courier.Do(ctx, run, to.auth, value, patterns)
		return err
	}
	if to.client == nil {
		return errMute
	}
	client, err := to.client(ctx)
	if err != nil {
		return err
	}
	defer client.Secret.Clear()
	return s.OAuth.Identify(ctx, to.connector, run, client, value)
}

// spent is the value that goes onto requests: the access token, else the key.
func spent(fields []door.Field) (out sensitive.Bytes) {
	out = sensitive.New(nil)
	for _, f := range fields {
		if f.Name == hotcell.FieldAccess {
			return f.Value
		}
		if f.Name == hotcell.FieldKey {
			out = f.Value
		}
	}
	return out
}

// refusedBy says whether a service said that it does not know the value.
func refusedBy(err error) bool {
	failure, ok := errors.AsType[*connector.Failure](err)
	return ok && failure.Status == http.StatusUnauthorized
}

// maxSentence bounds what is told of what a service said, in characters.
const maxSentence = 300

// sentence is why something did not work, as people may read it: no address, no
// value, and of a service's own words only what its document picks.
func sentence(err error) string {
	if failure, ok := errors.AsType[*connector.Failure](err); ok {
		if text := oneLine(failure.Message); text != "" {
			return "the service says: " + text
		}
		return fmt.Sprintf("the service answered with the status %d", failure.Status)
	}
	if fault, ok := errors.AsType[*oauth.Fault](err); ok {
		return faultSentence(fault)
	}
	for _, known := range []error{hotcell.ErrUnavailable, hotcell.ErrDenied, hotcell.ErrNeedsReconnect, hotcell.ErrConflict, hotcell.ErrNotFound, hotcell.ErrRateLimited} {
		if errors.Is(err, known) {
			return oneLine(strings.TrimPrefix(err.Error(), known.Error()+": "))
		}
	}
	if errors.Is(err, hotcell.ErrInvalid) {
		return oneLine(err.Error())
	}
	return "something went wrong inside"
}

// faultCodes are the errors of token endpoints that people can do something
// about. Any other is not repeated: it could be anything.
var faultCodes = map[string]string{
	"invalid_client":         "the service does not take the workspace's OAuth client: is its id and its secret right?",
	"bad_client_secret":      "the service does not take the workspace's OAuth client: is its secret right?",
	"invalid_client_id":      "the service does not take the workspace's OAuth client: is its id right?",
	"unauthorized_client":    "the service does not let the workspace's OAuth client do this: see what it is registered for",
	"invalid_scope":          "the service does not give these scopes: see what the OAuth client is registered for",
	"redirect_uri_mismatch":  "the service knows another redirect URI of the OAuth client",
	"bad_redirect_uri":       "the service knows another redirect URI of the OAuth client",
	"unsupported_grant_type": "the service does not give tokens in this way",
	"access_denied":          "whoever was asked at the service did not agree",
	"expired_token":          "nobody typed in the code in time",
}

func faultSentence(f *oauth.Fault) string {
	text := faultMeans(f)
	if f.Said != "" {
		text += "; it says: " + f.Said
	}
	return text
}

func faultMeans(f *oauth.Fault) string {
	if known := faultCodes[f.Code]; known != "" {
		return known
	}
	switch f.Kind {
	case oauth.Revoked:
		return "the service says that what it gave is not good, or not any more"
	case oauth.Refused:
		return "the service refused it"
	case oauth.Ambiguous, oauth.Unavailable, oauth.Waiting:
	}
	return "the service does not answer, or not in a way that is understood"
}

// oneLine is a text in one line in which all can be seen, in its bound.
func oneLine(text string) string { return words.Line(text, maxSentence) }

// settingURL is the setting that says where an MCP server is.
const settingURL = "url"

// discover lists the tools of an MCP server, in JSON.
func (s *Service) discover(ctx context.Context, c *connector.Connector, settings map[string]string, auth hotcell.Auth, key sensitive.Bytes) ([]byte, error) {
	if s.Remote == nil {
		return nil, fmt.Errorf("%w: this server does not connect MCP servers yet", hotcell.ErrUnavailable)
	}
	tools, err := s.Remote.Discover(ctx, settings[settingURL], auth, key)
	if err != nil {
		return nil, fmt.Errorf("asking %s for its tools: %w", c.Name, err)
	}
	listed, err := json.Marshal(tools)
	if err != nil {
		return nil, err
	}
	plain, err := s.Parser.Parse(ctx, book.MCP, listed)
	if field, ok := errors.AsType[*hotcell.FieldError](err); ok {
		return nil, hotcell.Invalid("/settings/"+settingURL, "the tools that this server lists: %s", field.Reason)
	}
	return plain, err
}

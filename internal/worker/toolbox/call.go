package toolbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/vaultrpc"
)

// question is one call of a tool, however it came.
type question struct {
	tool      string
	arguments json.RawMessage
	// exchange ends when the client leaves.
	exchange context.Context //nolint:containedctx // it is the client's life, and not the call's
	// notices tell the client that its call goes on, until stop is called; nil where
	// it does not want to know.
	notices func(ctx context.Context, message func() string) (stop func())
}

// call calls a tool for a message that the library has read.
func (b *Box) call(ctx context.Context, r *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	q := &question{tool: r.Params.Name, arguments: r.Params.Arguments, exchange: b.exchangeOf(r)}
	q.notices = func(ctx context.Context, message func() string) func() { return b.notices(ctx, r, message) }
	return b.ask(ctx, q)
}

// ask has the vault call a tool, listed or not: what is refused is on record
// there.
func (b *Box) ask(ctx context.Context, q *question) (*mcp.CallToolResult, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer border.WithEnd(b.Ended, "the end of a call", border.Log(b.Log), cancel)()
	if b.owns(q.tool) {
		return b.askOwn(ctx, q)
	}
	shown, err := b.shown(ctx, q.arguments)
	if err != nil {
		return b.failed(ctx, err), nil
	}
	call := &vaultrpc.CallToolRequest{Job: b.Job, Tool: q.tool, Arguments: q.arguments, Shown: shown}
	for {
		answer, err := b.Vault.CallTool(ctx, call)
		switch {
		case err != nil:
			return b.failed(ctx, err), nil
		case answer.Waits == "":
			return b.deliver(ctx, q.tool, answer)
		case call.Approved != "":
			return b.failed(ctx, fmt.Errorf("%w: what was approved is not this call", hotcell.ErrDenied)), nil
		}
		state, err := b.await(ctx, q, answer.Waits)
		if err == nil && state != hotcell.RequestApproved {
			err = fmt.Errorf("%w: %s", hotcell.ErrDenied, verdicts[state])
		}
		if err != nil {
			return b.failed(ctx, err), nil
		}
		call.Approved = answer.Waits
	}
}

// verdicts are what an agent is told of a call that nobody approved.
var verdicts = map[hotcell.RequestState]string{
	hotcell.RequestRefused: "a person refused this call",
	hotcell.RequestExpired: "nobody approved this call in time",
}

// deliver hands an answer on, once the guard knows what it could hold.
func (b *Box) deliver(ctx context.Context, tool string, answer *vaultrpc.CallToolAnswer) (*mcp.CallToolResult, error) {
	patterns, err := b.Guard(ctx, answer.Prints)
	if err != nil {
		return b.failed(ctx, err), nil
	}
	if e := answer.Error; e != nil && e.Code == "not_found" && !b.lists(tool) {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: fmt.Sprintf("unknown tool %q", tool)}
	}
	return result(answer, patterns), nil
}

func (b *Box) lists(name string) bool {
	b.listing.Lock()
	defer b.listing.Unlock()
	_, listed := b.listed[name]
	return listed
}

// tokens are an agent's own keys to its job: no business of who decides.
var tokens = regexp.MustCompile(`hct_[0-9a-z]{60,}`)

// shown are the arguments as people may see them.
func (b *Box) shown(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error) {
	if len(arguments) == 0 {
		return nil, nil
	}
	patterns, err := b.Guard(ctx, 0)
	if err != nil {
		return nil, err
	}
	clean := redact(patterns, arguments)
	if bytes.Contains(clean, []byte("hct_")) {
		clean = tokens.ReplaceAll(clean, []byte("[hotcell:token]"))
	}
	if json.Valid(clean) {
		return clean, nil
	}
	return json.Marshal(string(clean)) // a value was more than a text's inside
}

// The rhythm of waiting for a person.
const (
	lookTime = 30 * time.Second
	pause    = time.Second
)

// await waits until a request is decided. A client that leaves takes its call
// with it: nobody would get the result.
func (b *Box) await(ctx context.Context, q *question, id hotcell.RequestID) (hotcell.RequestState, error) {
	ctx, stop := until(ctx, q.exchange)
	defer stop()
	over, err := b.Waiting()
	if err != nil {
		return "", err
	}
	defer over()
	if q.notices != nil {
		defer q.notices(ctx, saying(fmt.Sprintf("waiting for a person: hotcell requests approve %s", id)))()
	}
	for {
		looking, cancel := context.WithTimeout(ctx, lookTime)
		answer, err := b.Vault.AwaitRequest(looking, &vaultrpc.AwaitRequestRequest{Job: b.Job, ID: id})
		cancel()
		switch {
		case ctx.Err() != nil:
			return "", fmt.Errorf("%w: the call was given up while it waited", hotcell.ErrDenied)
		case err == nil && answer.Request.State != hotcell.RequestPending:
			return answer.Request.State, nil
		case err == nil, errors.Is(err, context.DeadlineExceeded):
			continue
		case !errors.Is(err, hotcell.ErrUnavailable):
			return "", err
		}
		select { // the vault is being started again
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// saying is a message that does not change.
func saying(text string) func() string { return func() string { return text } }

// notices tell a client that asked for it that its call goes on, and how it stands,
// until what is returned is called.
func (b *Box) notices(ctx context.Context, r *mcp.CallToolRequest, message func() string) (stop func()) {
	token := r.Params.GetProgressToken()
	if token == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	border.Go("telling a client that its call goes on", border.Log(b.Log), func() {
		defer close(done)
		tick := time.NewTicker(b.Notices)
		defer tick.Stop()
		for n := 1.0; ; n++ {
			_ = r.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: token, Progress: n, Message: message()})
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return func() {
		cancel()
		<-done // no notice comes after the result
	}
}

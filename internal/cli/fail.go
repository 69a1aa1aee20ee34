package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/text/shell"
)

// Exit codes, as UX asks for them.
const (
	ExitOK          = 0
	ExitError       = 1
	ExitUsage       = 2
	ExitNotFound    = 3
	ExitDenied      = 4
	ExitConflict    = 5
	ExitInvalid     = 6
	ExitNeedsPerson = 7
	ExitUnavailable = 8
	ExitInterrupted = 130
)

// ExitStatus ends every command's help.
const ExitStatus = `
EXIT STATUS
  0 done · 1 error · 2 wrong usage · 3 not found · 4 denied · 5 conflict
  6 invalid input · 7 a person is needed · 8 unavailable, may be tried again
  130 interrupted
`

// apart is added to what is not a job's own exit code, where somebody wants to tell them
// apart.
const apart = 200

// ofCommand says whether an error's exit code is that of a job's command.
func ofCommand(err error) bool {
	c, ok := errors.AsType[*codedError](err)
	return ok && c.job != nil && c.job.State == hotcell.JobFailed && c.job.ExitCode != nil && *c.job.ExitCode != 0
}

// codedError is an error whose exit code is its own: a job's, where there is one.
type codedError struct {
	code int
	text string
	job  *hotcell.Job
}

func (e *codedError) Error() string { return e.text }

// hinted is an error with what to do about it.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// exits is the one table from sentinels to exit codes.
var exits = []struct {
	sentinel error
	code     int
	name     string
}{
	{hotcell.ErrNotFound, ExitNotFound, "not_found"}, {hotcell.ErrSignIn, ExitDenied, "sign_in"}, {hotcell.ErrDenied, ExitDenied, "denied"},
	{hotcell.ErrConflict, ExitConflict, "conflict"}, {hotcell.ErrStale, ExitConflict, "stale"},
	{hotcell.ErrInvalid, ExitInvalid, "invalid"}, {hotcell.ErrUnavailable, ExitUnavailable, "unavailable"},
	{hotcell.ErrNeedsReconnect, ExitNeedsPerson, "needs_reconnect"}, {hotcell.ErrRateLimited, ExitUnavailable, "rate_limited"},
	{context.Canceled, ExitInterrupted, "interrupted"},
}

// ExitCode is an error's exit code and name.
func ExitCode(err error) (code int, name string) {
	if c, ok := errors.AsType[*codedError](err); ok {
		return c.code, "job"
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return ExitUsage, "usage"
	}
	for _, e := range exits {
		if errors.Is(err, e.sentinel) {
			return e.code, e.name
		}
	}
	return ExitError, "error"
}

// hintOf is what to do about an error; empty where nothing is known.
func (a *app) hintOf(err error) string {
	if h, ok := errors.AsType[*hinted](err); ok {
		return h.hint
	}
	if u, ok := errors.AsType[*usageError](err); ok {
		return u.hint
	}
	if pin, ok := errors.AsType[*client.PinError](err); ok {
		why := "where you made its data folder anew"
		if strings.Contains(pin.Server, "://") {
			why = "where its owner told you that it was made anew or has another identity"
		}
		return "only " + why + ": hotcell pins forget " + shell.Quote(pin.Server) + "; else somebody may stand in its place: do not go on"
	}
	if trust, ok := errors.AsType[*client.TrustError](err); ok && trust.Authority {
		if a.reached.by == "$"+envURL {
			return "where its owner gave you the authority's certificate: set " + envCA + " to the file"
		}
		return "where its owner gave you the authority's certificate: hotcell auth login " + shell.Quote(trust.Server) + " --ca FILE"
	}
	if url := a.reached.options.URL; errors.Is(err, hotcell.ErrSignIn) && url != "" {
		return "hotcell auth login " + shell.Quote(url)
	}
	if !errors.Is(err, client.ErrNoServer) || a.reached.data == "" {
		return ""
	}
	if runtime.GOOS != "linux" {
		return "a server runs on Linux; sign in to one elsewhere: hotcell auth login URL"
	}
	hint := "start it, in a terminal of its own: hotcell serve"
	if a.data != DefaultData(a.Getenv) {
		hint += " --data " + shell.Quote(a.data)
	}
	return hint
}

// toldError is an error for programs.
type toldError struct {
	Code      string        `json:"code"`
	ExitCode  *int          `json:"exit_code,omitempty"`
	Hint      string        `json:"hint"`
	Job       hotcell.JobID `json:"job,omitempty"`
	Message   string        `json:"message"`
	RequestID string        `json:"request_id"`
	State     string        `json:"state,omitempty"`
}

// fail tells of an error and returns its exit code. A person who has interrupted a
// command knows that, and is told nothing.
func (a *app) fail(err error) int {
	code, name := ExitCode(err)
	if a.apart && code != ExitInterrupted && !ofCommand(err) {
		code += apart
	}
	hint, text := a.hintOf(err), inOurWords(err)
	if text == "" || code == ExitInterrupted && name == "interrupted" && hint == "" {
		return code
	}
	if a.output == "json" {
		told := toldError{Code: name, Message: text, Hint: hint}
		if e, ok := errors.AsType[*client.Error](err); ok {
			told.RequestID = e.RequestID
		}
		if c, ok := errors.AsType[*codedError](err); ok && c.job != nil {
			told.Job, told.State, told.ExitCode = c.job.ID, string(c.job.State), c.job.ExitCode
		}
		_ = json.NewEncoder(a.Err).Encode(map[string]toldError{"error": told})
		return code
	}
	// What is told may be a job's words, or a service's.
	fmt.Fprintf(a.Err, "hotcell: %s\n", safeLines(text))
	if hint != "" {
		fmt.Fprintf(a.Err, "hint: %s\n", safeLines(strings.TrimSpace(hint)))
	}
	return code
}

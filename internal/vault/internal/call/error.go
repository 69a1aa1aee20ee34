package call

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/words"
	"hotcell/internal/vault/internal/courier"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/live"
)

// The codes of [vaultrpc.ToolError].
const (
	codeRefused     = "refused"
	codeInvalid     = "invalid"
	codeNotFound    = "not_found"
	codeLimited     = "rate_limited"
	codeUnavailable = "unavailable"
	codeReconnect   = "reconnect"
	codeService     = "service"
)

// refusal is a call that is not made: what the agent is told, and what the log
// keeps, which holds no argument.
type refusal struct {
	code     string
	told     string
	recorded string
}

func (r *refusal) Error() string { return r.told }

// refused is one that both are told the same of.
func refused(code, format string, args ...any) *refusal {
	text := fmt.Sprintf(format, args...)
	return &refusal{code, text, text}
}

// unfit says in which way arguments are not what a tool takes.
func unfit(err error) *refusal {
	out := &refusal{code: codeInvalid, told: "the arguments are not what this tool takes", recorded: "the arguments are not what the tool takes"}
	if field, ok := errors.AsType[*hotcell.FieldError](err); ok {
		out.told = field.Error()
	}
	return out
}

// errStrange is an answer that a connector's document makes no sense of.
var errStrange = errors.New("the service answered in a way that this tool does not understand")

// understood says whether an error of a courier has a text that may be told.
func understood(err error) bool {
	if _, ok := errors.AsType[*connector.Failure](err); ok {
		return true
	}
	for _, one := range []error{
		hotcell.ErrInvalid, hotcell.ErrDenied, hotcell.ErrUnavailable, hotcell.ErrTampered, hotcell.ErrNeedsReconnect, hotcell.ErrRateLimited,
		live.ErrRevoked, context.Canceled, errStrange,
	} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

// tell makes of an error what an agent may know of it; an error that is not for
// agents is returned as it is.
func tell(err error) (*vaultrpc.ToolError, error) {
	if no, ok := errors.AsType[*refusal](err); ok {
		return &vaultrpc.ToolError{Code: no.code, Message: no.told}, nil
	}
	if failure, ok := errors.AsType[*connector.Failure](err); ok {
		return ofService(failure), nil
	}
	if why, ok := errors.AsType[*door.NotRenewed](err); ok {
		told := &vaultrpc.ToolError{Code: codeUnavailable, Message: sentence(err)}
		if why.Reason == "" { // else it is for a person, and not for another try
			told.Retryable, told.RetryAfter = true, seconds(why.After)
		}
		return told, nil
	}
	for _, known := range []struct {
		sentinel error
		code     string
		again    bool
	}{
		{hotcell.ErrNeedsReconnect, codeReconnect, false}, {hotcell.ErrRateLimited, codeLimited, true}, {hotcell.ErrInvalid, codeInvalid, false},
		{courier.ErrLost, codeUnavailable, false}, {hotcell.ErrUnavailable, codeUnavailable, true}, {errStrange, codeService, false},
	} {
		if errors.Is(err, known.sentinel) {
			return &vaultrpc.ToolError{Code: known.code, Message: sentence(err), Retryable: known.again}, nil
		}
	}
	return nil, err
}

// ofService is what a service said.
func ofService(f *connector.Failure) *vaultrpc.ToolError {
	out := &vaultrpc.ToolError{
		Code: codeService, Message: clip(f.Message), Status: f.Status, Retryable: f.Retryable, RetryAfter: seconds(f.RetryAfter),
	}
	switch {
	case f.Status == http.StatusTooManyRequests, f.Status < http.StatusInternalServerError && f.Retryable && f.RetryAfter > 0:
		out.Code = codeLimited
	case f.Status >= http.StatusInternalServerError:
		out.Code = codeUnavailable
	}
	if out.Message == "" {
		out.Message = fmt.Sprintf("the service answered with the status %d", f.Status)
	}
	return out
}

// seconds are whole ones, within bounds.
func seconds(d time.Duration) int { return int(math.Ceil(min(d.Seconds(), maxAfter))) }

// The bounds of what is told.
const (
	maxMessage = 2000
	maxAfter   = 24 * 3600 // seconds
)

// clip is a text in its bounds, in which all can be seen.
func clip(text string) string {
	return strings.TrimSpace(words.Clip(words.Plain(text), maxMessage))
}

// sentence is an error's text without its sentinel.
func sentence(err error) string {
	text := err.Error()
	for _, s := range []error{hotcell.ErrDenied, hotcell.ErrConflict, hotcell.ErrUnavailable, hotcell.ErrNeedsReconnect, hotcell.ErrRateLimited} {
		text = strings.TrimPrefix(text, s.Error()+": ")
	}
	return clip(text)
}

// denied makes a refusal of an error that the vault has recorded already, where
// it is one: that of this call, and not of the whole job.
func denied(err error) error {
	if errors.Is(err, hotcell.ErrNeedsReconnect) {
		return refused(codeReconnect, "%s", sentence(err))
	}
	if errors.Is(err, hotcell.ErrDenied) && !errors.Is(err, live.ErrRevoked) || errors.Is(err, hotcell.ErrConflict) {
		return refused(codeRefused, "%s", sentence(err))
	}
	return err
}

// outcome is what the log keeps of how a call ended.
func outcome(trip courier.Trip, err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, live.ErrRevoked):
		return "revoked"
	case trip.Lost:
		return "no answer came: it is not known whether it was done"
	case trip.Status == 0:
		return "not done: the service gave no answer"
	case trip.Status >= http.StatusMultipleChoices:
		return fmt.Sprintf("the service answered with the status %d", trip.Status)
	}
	return "the service said no, or what it answered was not understood"
}

// plainName is the name of a tool that is not attached, as the log may have it.
func plainName(name string) string {
	if toolName.MatchString(name) {
		return name
	}
	return "?"
}

var toolName = regexp.MustCompile(`^[A-Za-z0-9_./-]{1,128}$`)

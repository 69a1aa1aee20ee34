package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"connectrpc.com/connect"

	"hotcell"
)

// codes pairs each sentinel with a code of its own, so that both directions are
// one table.
var codes = []struct {
	sentinel error
	code     connect.Code
}{
	{hotcell.ErrNotFound, connect.CodeNotFound},
	{hotcell.ErrSignIn, connect.CodeUnauthenticated},
	{hotcell.ErrDenied, connect.CodePermissionDenied},
	{hotcell.ErrConfirm, connect.CodeOutOfRange},
	{hotcell.ErrConflict, connect.CodeAlreadyExists},
	{hotcell.ErrStale, connect.CodeAborted},
	{hotcell.ErrInvalid, connect.CodeInvalidArgument},
	{hotcell.ErrUnavailable, connect.CodeUnavailable},
	{hotcell.ErrNeedsReconnect, connect.CodeFailedPrecondition},
	{hotcell.ErrRateLimited, connect.CodeResourceExhausted},
	{hotcell.ErrTampered, connect.CodeDataLoss},
}

// What an error carries besides its text.
const (
	metaSentinel = "Hotcell-Sentinel"
	metaPointer  = "Hotcell-Pointer"
	metaReason   = "Hotcell-Reason"
	metaCurrent  = "Hotcell-Current"
	metaConfirm  = "Hotcell-Confirm"
)

func encodeError(err error) error {
	for _, c := range codes {
		if !errors.Is(err, c.sentinel) {
			continue
		}
		out := connect.NewError(c.code, errors.New(err.Error()))
		out.Meta().Set(metaSentinel, c.sentinel.Error())
		if field, ok := errors.AsType[*hotcell.FieldError](err); ok {
			out.Meta().Set(metaPointer, field.Pointer)
			out.Meta().Set(metaReason, strconv.QuoteToASCII(field.Reason))
		}
		if confirm, ok := errors.AsType[*hotcell.ConfirmError](err); ok {
			text, _ := json.Marshal(confirm.Operation)
			out.Meta().Set(metaConfirm, strconv.QuoteToASCII(string(text)))
		}
		if stale, ok := errors.AsType[*hotcell.StaleError](err); ok {
			out.Meta().Set(metaCurrent, strconv.Itoa(stale.Current))
		}
		return out
	}
	return connect.NewError(connect.CodeInternal, errors.New("internal error"))
}

func decodeError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	remote, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return fmt.Errorf("%w: calling another part: %w", hotcell.ErrUnavailable, err)
	}
	switch remote.Meta().Get(metaSentinel) {
	case "":
		if connect.IsWireError(err) && remote.Code() != connect.CodeUnavailable {
			return fmt.Errorf("calling another part: %s", remote.Message())
		}
		return fmt.Errorf("%w: the part that does this is not answering", hotcell.ErrUnavailable)
	case hotcell.ErrStale.Error():
		if current, err := strconv.Atoi(remote.Meta().Get(metaCurrent)); err == nil {
			return &hotcell.StaleError{Current: current}
		}
	case hotcell.ErrConfirm.Error():
		var o hotcell.Operation
		if text, err := strconv.Unquote(remote.Meta().Get(metaConfirm)); err == nil && json.Unmarshal([]byte(text), &o) == nil {
			return &hotcell.ConfirmError{Operation: o}
		}
	case hotcell.ErrInvalid.Error():
		if reason, err := strconv.Unquote(remote.Meta().Get(metaReason)); err == nil && reason != "" {
			return &hotcell.FieldError{Pointer: remote.Meta().Get(metaPointer), Reason: reason}
		}
	}
	for _, c := range codes {
		if c.code == remote.Code() {
			return &remoteError{c.sentinel, remote.Message()}
		}
	}
	return errors.New(remote.Message())
}

// remoteError has the text as it was and the sentinel as it was.
type remoteError struct {
	sentinel error
	text     string
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.sentinel }

// Internal says whether err is no sentinel: the other side sees it as "internal
// error", so it belongs in the log here.
func Internal(err error) bool {
	for _, c := range codes {
		if errors.Is(err, c.sentinel) {
			return false
		}
	}
	return !errors.Is(err, context.Canceled) && connect.CodeOf(err) != connect.CodeCanceled
}

package forward

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/wire/relay"
	"hotcell/internal/wire/scrub"
)

// forwarding is one request of a job on its way.
type forwarding struct {
	service *Service
	job     hotcell.JobID
	// attachments are those whose credentials go on, one or several.
	attachments []hotcell.AttachmentID
	target      *url.URL
	to          door.Target
	request     *http.Request

	uses    []*door.Used
	out     *http.Request
	pattern *guard.Patterns
	// standIns find stand-ins of the job in what it sends; nil where none may be looked for.
	standIns *guard.Patterns
	began    time.Time
	// status is the answer's; 0 where none came.
	status int
	// jar keeps the service's cookies; note says what was left out of the request.
	jar  *jar
	note string
	// kept is the body, where the request may have to be sent again.
	kept   []byte
	replay bool
}

// maxKept is how long a body may be, in bytes, for its request to be sent again.
const maxKept = 64 << 10

// fresh sees to it that the connections' tokens are good. Those that the service
// refused are not.
func (f *forwarding) fresh(ctx context.Context, refused []*door.Used) error {
	if f.service.Keeper == nil {
		return nil
	}
	for i, attachment := range f.attachments {
		version := 0
		if i < len(refused) {
			version = refused[i].Use.Version
		}
		if err := f.renewed(ctx, attachment, version); err != nil {
			return err
		}
	}
	return nil
}

func (f *forwarding) renewed(ctx context.Context, attachment hotcell.AttachmentID, refused int) error {
	s := f.service
	ws, id, renewed, err := s.Vault.Renewal(ctx, f.job, attachment)
	if err != nil || !renewed {
		return nil //nolint:nilerr // the use itself says, and records, why not
	}
	f.keep()
	if refused == 0 {
		if good, err := s.Vault.Fresh(ctx, f.job, attachment); err != nil || good {
			return err
		}
	}
	return s.Keeper.Ensure(ctx, ws, id, refused)
}

// keep keeps a small body: a service that does not know the token has done
// nothing, so the request may be sent once more.
func (f *forwarding) keep() {
	r := f.request
	if f.replay || r.Header.Get("Upgrade") != "" {
		return
	}
	if r.ContentLength == 0 {
		f.replay = true
		return
	}
	if r.ContentLength < 0 || r.ContentLength > maxKept || len(r.Trailer) > 0 {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, r.ContentLength))
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), r.Body))
	f.kept, f.replay = body, err == nil && int64(len(body)) == r.ContentLength
}

// open opens the credentials and puts them on. What is forwarded is recorded by then.
func (f *forwarding) open(ctx context.Context) (err error) {
	s := f.service
	f.uses, f.began = nil, s.Now()
	defer func() {
		for _, used := range f.uses {
			used.Clear()
		}
		if err != nil {
			f.done(unsent(err), 0)
		}
	}()
	for _, attachment := range f.attachments {
		used, err := s.Vault.Use(ctx, f.job, attachment, f.to)
		if err != nil {
			return err
		}
		f.uses = append(f.uses, used)
	}
	return f.prepare(ctx)
}

// unsent says in the log why a request was not sent.
func unsent(err error) string {
	if errors.Is(err, hotcell.ErrDenied) {
		return "not sent: " + strings.TrimPrefix(err.Error(), hotcell.ErrDenied.Error()+": ")
	}
	return "not sent"
}

// done records how the uses ended.
func (f *forwarding) done(reason string, size int64) {
	s := f.service
	if f.status > 0 {
		reason = strings.TrimSuffix(strconv.Itoa(f.status)+", "+reason, ", ")
	}
	for _, used := range f.uses {
		s.Vault.Done(used, reason, size, s.Now().Sub(f.began).Milliseconds())
	}
}

// exchange talks to the upstream and hands its answer on, scrubbed. It returns
// the size of what was handed on, and what went wrong.
func (f *forwarding) exchange(ctx context.Context, w http.ResponseWriter) (int64, string) {
	s := f.service
	asked := s.Guesses.Ask(f.job, f.out)
	answer, err := s.way(f.job, f.uses).RoundTrip(f.out)
	if err == nil && answer.StatusCode == http.StatusUnauthorized && f.replay {
		answer, err = f.again(ctx, answer)
	}
	if err != nil {
		return 0, s.unanswered(f.out.Context(), w, err)
	}
	defer func() { _ = answer.Body.Close() }()
	f.status = answer.StatusCode
	disown(answer.Header)
	f.jar.take(answer, f.target)
	f.count(ctx, w)
	if answer.StatusCode == http.StatusSwitchingProtocols {
		return f.upgraded(w, answer, asked)
	}
	answer.Request = f.request
	if err := scrub.Counted(answer, f.pattern, asked.Told); err != nil {
		s.faulty(w, http.StatusBadGateway, "unavailable", "the answer of "+f.out.URL.Host+" is in a coding that cannot be read, so it is not let through")
		return 0, "an answer in an unknown coding"
	}
	size, err := relay.Answer(w, answer)
	reason := asked.Answered()
	if err != nil { // who hangs up has read what came before
		f.done(cmp.Or(reason, "the answer broke off"), size)
		relay.Abort()
	}
	return size, reason
}

// again has the token renewed, and sends the request once more. Where that does
// not go, the first answer stands.
func (f *forwarding) again(ctx context.Context, first *http.Response) (*http.Response, error) {
	if err := f.fresh(ctx, f.uses); err != nil {
		return first, nil //nolint:nilerr // the service's own word says as much
	}
	before, began := f.uses, f.began
	if f.kept != nil {
		f.request.Body = io.NopCloser(bytes.NewReader(f.kept))
	}
	if err := f.open(ctx); err != nil {
		f.uses = before
		return first, nil //nolint:nilerr // as above
	}
	for _, used := range before {
		f.service.Vault.Done(used, "the service did not know the token", 0, f.began.Sub(began).Milliseconds())
	}
	_ = first.Body.Close()
	return f.service.way(f.job, f.uses).RoundTrip(f.out)
}

// count tells the gateway how many of the job's values there are: before it
// hands the answer on, its guard knows them all.
func (f *forwarding) count(ctx context.Context, w http.ResponseWriter) {
	if f.service.Keeper == nil {
		return
	}
	if n, err := f.service.Vault.Prints(ctx, f.job); err == nil && n > 0 {
		w.Header().Set(vaultrpc.HeaderPrints, strconv.FormatInt(n, 10))
	}
}

// keyOf is the value that goes onto requests: the access token, else the key.
func keyOf(fields []door.Field) (key sensitive.Bytes, ok bool) {
	for _, name := range []string{hotcell.FieldAccess, hotcell.FieldKey} {
		for _, f := range fields {
			if f.Name == name {
				return f.Value, true
			}
		}
	}
	return key, false
}

package forward

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/wire/relay"
	"hotcell/internal/wire/scrub"
	"hotcell/internal/wire/standin"
	"hotcell/internal/wire/wayin"
)

// signing is the one request by which a job's browser signs in.
type signing struct {
	job    hotcell.JobID
	use    hotcell.AttachmentID
	arm    string
	to     door.Target
	target *url.URL
	began  time.Time
}

// signIn puts the values of a login where its stand-ins are in a body, sends it,
// and hands the answer on without them. A redirect is handed on like any other
// answer: whoever follows it has the stand-ins only.
func (s *Service) signIn(ctx context.Context, w http.ResponseWriter, r *http.Request, x *signing) {
	body, err := x.body(ctx, s, r)
	if err != nil {
		s.fault(w, err)
		return
	}
	found, err := s.Logins.Claim(x.job, x.arm, x.use, x.to.Host, x.to.Port, wayin.Request{Method: r.Method, URL: x.target, Header: r.Header, Body: body})
	if err != nil {
		s.fault(w, err)
		return
	}
	used, err := s.Vault.UseLogin(ctx, x.job, x.use, "login.use", hotcell.Login{Host: x.to.Host, Port: x.to.Port}, "onto "+r.Method+" "+door.PathText(x.target.EscapedPath()))
	if err != nil {
		s.fault(w, err)
		return
	}
	began := s.Now()
	values, err := s.values(used, found)
	defer clearPairs(values)
	pattern := patternsOf(used, values)
	used.Clear()
	if err != nil {
		s.Vault.Done(used, "not sent", 0, 0)
		s.fault(w, err)
		return
	}
	filled := wayin.Put(body, found, valuesOf(values))
	x.began = began
	size, reason := s.send(ctx, w, r, x, filled, used, pattern, values)
	s.Vault.Done(used, reason, size, s.Now().Sub(began).Milliseconds())
}

// body is a request's body, where values may be put into it.
func (x *signing) body(ctx context.Context, s *Service, r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		return nil, fmt.Errorf("%w: a login goes into the body of a POST or PUT", hotcell.ErrDenied)
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, fmt.Errorf("%w: a login goes into no body with the coding %s", hotcell.ErrDenied, coding)
	}
	return s.whole(ctx, x.job, r)
}

// values are what goes on, by the login's field. The caller wipes them.
func (s *Service) values(used *door.Used, found wayin.Found) (pairs []standin.Pair, err error) {
	for field := range found {
		if field == hotcell.FieldOTP {
			code, err := s.Logins.Code(used)
			if err != nil {
				return pairs, err
			}
			pairs = append(pairs, pairOf(field, code))
			code.Clear()
			continue
		}
		at := len(pairs)
		for _, f := range used.Fields {
			if f.Name == field {
				pairs = append(pairs, pairOf(field, f.Value))
			}
		}
		if len(pairs) == at {
			return pairs, fmt.Errorf("%w: the login has no %s", hotcell.ErrTampered, field)
		}
	}
	return pairs, nil
}

// valuesOf are the values by their fields.
func valuesOf(pairs []standin.Pair) map[string][]byte {
	out := map[string][]byte{}
	for _, p := range pairs {
		out[string(p.StandIn)] = p.Value
	}
	return out
}

func pairOf(field string, value sensitive.Bytes) (p standin.Pair) {
	p.StandIn = []byte(field)
	_ = value.Use(func(b []byte) error { p.Value = append([]byte{}, b...); return nil })
	return p
}

func clearPairs(pairs []standin.Pair) {
	for _, p := range pairs {
		sensitive.Wipe(p.Value)
	}
}

// patternsOf are what the answer must not have: the login's values, and the code.
func patternsOf(used *door.Used, pairs []standin.Pair) *guard.Patterns {
	builder := guard.NewBuilder().WithParts()
	label := guard.Label{ID: string(used.Use.Credential), Name: used.Use.Name}
	for _, f := range used.Fields {
		// Of one that cannot be guarded, people were told; unguardable is handled below.
		_ = f.Value.Use(func(b []byte) error { _ = builder.Add(label, b); return nil })
	}
	for _, p := range pairs {
		_ = builder.Add(label, p.Value)
	}
	return builder.Build()
}

// send sends the request, and hands the answer on, scrubbed.
func (s *Service) send(ctx context.Context, w http.ResponseWriter, r *http.Request, x *signing, body []byte, used *door.Used, pattern *guard.Patterns, pairs []standin.Pair) (int64, string) {
	out := (&http.Request{
		Method: r.Method, URL: x.target, Host: hostHeader(x.target), Header: r.Header, Body: &wiped{Reader: bytes.NewReader(body), text: body},
		ContentLength: int64(len(body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	relay.Headers(out.Header)
	disown(out.Header)
	for _, name := range []string{"Content-Length", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest", "Range", "Expect"} {
		out.Header.Del(name)
	}
	// What is answered must be readable, also by what looks for a short code.
	out.Header.Set("Accept-Encoding", "identity")
	// A sign-in is alone on its connection: codes, of which each is another, are not
	// known to the guard of what comes later.
	asked := s.Guesses.Ask(x.job, out)
	answer, err := s.way("", []*door.Used{used}).RoundTrip(out)
	if err != nil {
		s.Logins.Answered(x.arm, http.StatusBadGateway)
		return 0, s.unanswered(ctx, w, err)
	}
	defer func() { _ = answer.Body.Close() }()
	disown(answer.Header)
	s.Logins.Answered(x.arm, answer.StatusCode)
	answer.Request = r
	if err := s.clean(answer, pattern, pairs, asked.Told); err != nil {
		s.faulty(w, http.StatusBadGateway, "unavailable", "the answer of "+out.URL.Host+" is in a coding that cannot be read, so it is not let through")
		return 0, "an answer in an unknown coding"
	}
	answer.Header.Set(vaultrpc.HeaderSpent, spent(used, pairs))
	size, err := relay.Answer(w, answer)
	reason := asked.Answered()
	if err != nil { // who hangs up has read what came before
		s.Vault.Done(used, cmp.Or(reason, "the answer broke off"), size, s.Now().Sub(x.began).Milliseconds())
		relay.Abort()
	}
	return size, reason
}

// spent are fingerprints of a code that was sent: a later page may show it too, and
// the job's gateway does not know it from its lease.
func spent(used *door.Used, pairs []standin.Pair) string {
	builder := guard.NewBuilder()
	for _, p := range pairs {
		_ = builder.Add(guard.Label{ID: string(used.Use.Credential), Name: used.Use.Name}, p.Value)
	}
	prints, err := builder.Fingerprints().MarshalBinary()
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(prints)
}

// clean takes the login's values out of an answer: in every form by the guard,
// and what is too short for that as it is.
func (s *Service) clean(answer *http.Response, pattern *guard.Patterns, pairs []standin.Pair, told guard.Told) error {
	if err := scrub.Counted(answer, pattern, told); err != nil {
		return err
	}
	var short []standin.Pair
	for _, p := range pairs {
		if guard.Guardable(p.Value) != nil {
			short = append(short, standin.Pair{StandIn: append([]byte{}, p.Value...), Value: bytes.Repeat([]byte("*"), len(p.Value))})
		}
	}
	if len(short) == 0 {
		return nil
	}
	swapper := standin.NewSwapper(short)
	for _, values := range answer.Header {
		for i, v := range values {
			values[i] = string(swapper.Swap([]byte(v)))
		}
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{swapper.Reader(answer.Body, func(b []byte) []byte { return b }), answer.Body}
	return nil
}

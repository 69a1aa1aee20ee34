// Package scrub takes values out of answers: out of the status text, headers,
// trailers and the body, whatever its coding and however it comes in pieces.
//
// It guards that what an upstream repeats of a credential does not reach who
// asked. It does not find what an upstream enciphered. One way to use it:
//
//	err := scrub.Scrub(answer, patterns, nil)
package scrub

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"hotcell/internal/value/guard"
	"hotcell/internal/wire/coding"
)

// wholeBody is how large a body may be that is scrubbed as a whole, so that its
// length can be told.
const wholeBody = 64 << 10

// Scrub takes what the policy does not let pass out of an answer; a nil policy
// lets nothing pass, and nil patterns find nothing. It fails where the body is
// in a coding that it cannot undo. Coded bodies go on without their coding.
func Scrub(answer *http.Response, p *guard.Patterns, policy guard.Policy) error {
	return look{p, policy, nil}.answer(answer)
}

// Counted is [Scrub] that lets nothing pass, and tells of each thing that it took out.
func Counted(answer *http.Response, p *guard.Patterns, told guard.Told) error {
	return look{p, nil, told}.answer(answer)
}

// look is what is taken out, and who is told.
type look struct {
	patterns *guard.Patterns
	policy   guard.Policy
	told     guard.Told
}

func (l look) answer(answer *http.Response) error {
	if l.patterns == nil {
		return nil
	}
	answer.Status = http.StatusText(answer.StatusCode)
	l.header(answer.Header)
	if answer.Body == nil || answer.Body == http.NoBody || bodiless(answer) {
		return nil
	}
	named := strings.Join(answer.Header.Values("Content-Encoding"), ", ")
	decoded, err := coding.Decode(answer.Body, named)
	if err != nil {
		return err
	}
	coded := !coding.None(named)
	if coded {
		answer.Header.Del("Content-Encoding")
	}
	inner := &body{reader: l.patterns.Reader(decoded, l.policy), closer: answer.Body, answer: answer, look: l}
	inner.reader.Tell(l.told)
	if answer.ContentLength < 0 || answer.ContentLength > wholeBody {
		unmeasure(answer)
		answer.ContentLength = -1
		answer.Body = inner
		return nil
	}
	return whole(answer, inner, coded)
}

// bodiless are answers whose headers speak of a body that is not there.
func bodiless(answer *http.Response) bool {
	return answer.StatusCode == http.StatusNoContent || answer.StatusCode == http.StatusNotModified || answer.Request != nil && answer.Request.Method == http.MethodHead
}

// whole scrubs a small body at once.
func whole(answer *http.Response, inner *body, coded bool) error {
	defer func() { _ = inner.Close() }()
	// What is small when coded may be large: that goes on as it comes.
	text, err := io.ReadAll(io.LimitReader(inner, 16*wholeBody))
	switch {
	case err != nil:
		return fmt.Errorf("reading an answer: %w", err)
	case len(text) == 16*wholeBody:
		unmeasure(answer)
		answer.ContentLength = -1
		answer.Body = &rest{io.MultiReader(bytes.NewReader(text), inner), answer.Body}
		return nil
	}
	if inner.reader.Count() > 0 || coded {
		unmeasure(answer)
	}
	answer.ContentLength = int64(len(text))
	if answer.Header.Get("Content-Length") != "" || coded {
		answer.Header.Set("Content-Length", strconv.Itoa(len(text)))
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	return nil
}

type rest struct {
	io.Reader
	io.Closer
}

// unmeasure takes off an answer what its body no longer fits.
func unmeasure(answer *http.Response) {
	for _, name := range []string{"Content-Length", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest", "Etag", "Accept-Ranges", "Content-Range"} {
		answer.Header.Del(name)
	}
}

// HeaderCounted takes values out of headers: out of their texts, and with them those
// whose names hold one. It tells of what it took out.
func HeaderCounted(h http.Header, p *guard.Patterns, told guard.Told) { look{p, nil, told}.header(h) }

func (l look) header(h http.Header) {
	if len(h) == 0 || !l.holdsAny(h) {
		return
	}
	for name, values := range h {
		if len(name) >= 6 && l.holds([]byte(name)) {
			_ = l.text(name) // whoever counts is told of it
			delete(h, name)
			continue
		}
		for i, v := range values {
			if len(v) >= 6 {
				values[i] = l.text(v)
			}
		}
	}
}

// holdsAny looks at all headers at once: nearly always there is nothing.
func (l look) holdsAny(h http.Header) bool {
	all := make([]byte, 0, 1024)
	for name, values := range h {
		all = append(append(all, name...), 0)
		for _, v := range values {
			all = append(append(all, v...), 0)
		}
	}
	return l.holds(all)
}

func (l look) holds(b []byte) bool {
	for _, m := range l.patterns.Find(b) {
		if l.policy == nil || l.policy(m) != guard.Pass {
			return true
		}
	}
	return false
}

func (l look) text(s string) string {
	if !l.holds([]byte(s)) {
		return s
	}
	var out bytes.Buffer
	w := l.patterns.Writer(&out, l.policy)
	w.Tell(l.told)
	_, _ = io.WriteString(w, s) // a buffer takes all
	_ = w.Close()
	return out.String()
}

// body is a body on its way through the guard; its end brings the trailers.
type body struct {
	reader *guard.Reader
	closer io.Closer
	answer *http.Response
	look   look
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	n, err := b.reader.Read(p)
	if errors.Is(err, io.EOF) {
		b.look.header(b.answer.Trailer)
	}
	return n, err
}

// Close implements [io.Closer].
func (b *body) Close() error { return b.closer.Close() }

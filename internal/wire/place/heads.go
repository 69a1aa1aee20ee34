package place

import "bytes"

// Heads reads the heads of a multipart body's parts as the body comes, where it is too
// long to be read as a whole. It is as strict as [Fields] is.
type Heads struct {
	mark   []byte
	refuse func(name string) bool
	// buf is what may yet be a boundary, or the beginning of a head.
	buf []byte
	// within is true in a head, from what follows the boundary on.
	within, ended bool
	err           error
}

// maxHead is how long the head of a part may be, in bytes.
const maxHead = 16 << 10

// NewHeads reads a body with such a Content-Type; it fails with [ErrUnread] where that
// names no boundary.
func NewHeads(contentType string, refuse func(name string) bool) (*Heads, error) {
	form, boundary := FormOf(contentType)
	if form != Multipart || boundary == "" || len(boundary) > 70 {
		return nil, ErrUnread
	}
	// The body begins as if a line had ended before it.
	return &Heads{mark: []byte("\r\n--" + boundary), refuse: refuse, buf: []byte("\r\n")}, nil
}

// Read takes what comes next. It returns the name that is refused, or [ErrUnread] where
// others could find another name in what came; then nothing more may go on.
func (h *Heads) Read(b []byte) (name string, err error) {
	if h.err != nil || h.ended {
		return "", h.err
	}
	h.buf = append(h.buf, b...)
	for h.err == nil && !h.ended {
		var more bool
		if h.within {
			name, more = h.head()
		} else {
			more = h.content()
		}
		if name != "" || !more {
			break
		}
	}
	return name, h.err
}

// content looks for the next boundary; false where it is not there yet.
func (h *Heads) content() bool {
	at := bytes.Index(h.buf, h.mark)
	if at < 0 {
		if keep := len(h.mark) - 1; len(h.buf) > keep {
			h.buf = append(h.buf[:0], h.buf[len(h.buf)-keep:]...)
		}
		return false
	}
	h.buf, h.within = h.buf[at+len(h.mark):], true
	return true
}

// head reads a head; false where it is not there wholly.
func (h *Heads) head() (name string, more bool) {
	switch {
	case bytes.HasPrefix(h.buf, []byte("--")):
		h.ended = true // what follows is nobody's
		return "", false
	case len(h.buf) < 2:
		return "", false
	case !bytes.HasPrefix(h.buf, []byte("\r\n")):
		h.err = ErrUnread
		return "", false
	}
	head, rest, whole := bytes.Cut(h.buf[2:], []byte("\r\n\r\n"))
	if len(head) > maxHead || bytes.Contains(h.buf[:min(len(h.buf), len(head)+4)], h.mark) {
		h.err = ErrUnread
		return "", false
	}
	if !whole {
		return "", false
	}
	name, h.err = partName(head)
	if h.err == nil && h.refuse(name) {
		h.err = ErrUnread
		return name, false
	}
	// What ends the head may begin the next boundary.
	h.buf, h.within = append([]byte("\r\n"), rest...), false
	return "", true
}

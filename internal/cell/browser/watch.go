package browser

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // what sites use, not what we do
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// watch sees where the stand-ins of a sign-in go, and whether the page sends
// something that it has made of them.
type watch struct {
	origin, path, username string
	words, made            [][]byte
	// computed is true once what was made of a stand-in was sent; went are the origins
	// to which a stand-in itself was.
	computed bool
	went     []string
}

// maxPosted is how long a body is that is looked at, in bytes.
const maxPosted = 64 << 10

// observe begins to look, or ends it. The tab's lock is not held.
func (t *tab) observe(w *watch) {
	if w != nil {
		w.words = slices.DeleteFunc(w.words, func(word []byte) bool { return len(word) == 0 })
		for _, word := range w.words {
			w.made = append(w.made, madeOf(word)...)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watch = w
}

// observed is what was seen until now.
func (t *tab) observed() (w watch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.watch != nil {
		w = *t.watch
		w.went = slices.Clone(w.went)
	}
	return w
}

// madeOf is what sites make of a password before they send it.
func madeOf(word []byte) (out [][]byte) {
	add := func(sum []byte) {
		out = append(out, []byte(hex.EncodeToString(sum)), []byte(strings.ToLower(base64.RawStdEncoding.EncodeToString(sum))), []byte(strings.ToLower(base64.RawURLEncoding.EncodeToString(sum))))
	}
	one, two, three, four, five := md5.Sum(word), sha1.Sum(word), sha256.Sum256(word), sha512.Sum384(word), sha512.Sum512(word) //nolint:gosec // as above
	for _, sum := range [][]byte{one[:], two[:], three[:], four[:], five[:], word} {
		add(sum)
	}
	back := bytes.ToLower(word)
	slices.Reverse(back)
	return append(out, back)
}

// see looks at one body that is sent.
func (w *watch) see(address, body string) {
	u, err := url.Parse(address)
	if w == nil || err != nil || len(body) == 0 {
		return
	}
	to := u.Scheme + "://" + u.Host
	texts := [][]byte{[]byte(body)}
	if plain, err := url.QueryUnescape(body); err == nil && plain != body {
		texts = append(texts, []byte(plain))
	}
	holds := func(words [][]byte, lower bool) bool {
		return slices.ContainsFunc(texts, func(text []byte) bool {
			if lower {
				text = bytes.ToLower(text)
			}
			return slices.ContainsFunc(words, func(word []byte) bool { return len(word) > 0 && bytes.Contains(text, word) })
		})
	}
	switch {
	case holds(w.words, false):
		if !slices.Contains(w.went, to) {
			w.went = append(w.went, to)
		}
	case holds(w.made, true):
		w.computed = true
	case to == w.origin && w.path != "" && u.EscapedPath() == w.path, to == w.origin && len(w.username) > 2 && holds([][]byte{[]byte(w.username)}, false):
		// It went where the form goes, or with the user name, and without the stand-in.
		w.computed = true
	}
}

// work has what a worker of some page sends looked at too.
func (d *Driver) work(s *session) {
	s.on("Network.requestWillBeSent", func(params []byte) {
		e, ok := decode[struct {
			Request struct{ URL, PostData string }
		}](params)
		if !ok {
			return
		}
		for _, t := range d.open() {
			t.mu.Lock()
			t.watch.see(e.Request.URL, e.Request.PostData)
			t.mu.Unlock()
		}
	})
	s.tell("Network.enable", args{"maxPostDataSize": maxPosted})
}

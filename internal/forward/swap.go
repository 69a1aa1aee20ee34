package forward

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"hotcell"
	"hotcell/internal/sensitive"
	"hotcell/internal/standin"
	"hotcell/internal/vault"
)

// swap puts values where stand-ins are: in headers, in Basic-auth pairs, in the
// query, and in the body where the attachment says so.
func (s *Service) swap(out *http.Request, job hotcell.JobID, used *vault.Used) error {
	var pairs []standin.Pair
	defer func() {
		for _, p := range pairs {
			sensitive.Wipe(p.Value)
		}
	}()
	for _, f := range used.Fields {
		err := f.Value.Use(func(b []byte) error {
			_, made, err := standin.Make(s.Vault.Seed(job, used.Use, f.Name), b)
			pairs = append(pairs, made...)
			return err
		})
		if err != nil {
			return fmt.Errorf("%w: the variable %s of %q: %w", hotcell.ErrDenied, f.Name, used.Use.Name, err)
		}
	}
	swapper := standin.NewSwapper(pairs)
	for name, values := range out.Header {
		for i, v := range values {
			values[i] = swapHeader(swapper, name, v)
		}
	}
	if out.URL.RawQuery != "" {
		out.URL.RawQuery = string(swapper.SwapQuery([]byte(out.URL.RawQuery)))
	}
	if !used.Use.Bodies || out.Body == nil || out.Body == http.NoBody {
		return nil
	}
	if coding := out.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return fmt.Errorf("%w: a stand-in is not swapped in a body with the coding %s: send it as it is", hotcell.ErrDenied, coding)
	}
	return s.swapBody(out, job, swapper)
}

func swapHeader(swapper *standin.Swapper, name, value string) string {
	if (name == "Authorization" || name == "Proxy-Authorization") && len(value) > 6 && strings.EqualFold(value[:6], "basic ") {
		return swapper.Basic(value)
	}
	return string(swapper.Swap([]byte(value)))
}

// maxSwapped is how large a body may be in which stand-ins are swapped.
const maxSwapped = 8 << 20

// swapBody swaps in a body that is small enough to be taken as a whole, so that
// its length can be told.
func (s *Service) swapBody(out *http.Request, job hotcell.JobID, swapper *standin.Swapper) error {
	text, err := s.whole(out.Context(), job, out)
	if err != nil {
		return err
	}
	kind, _, _ := mime.ParseMediaType(out.Header.Get("Content-Type"))
	swapped, err := io.ReadAll(swapper.Reader(bytes.NewReader(text), standin.Escaping(kind)))
	if err != nil {
		return err
	}
	out.Body = &wiped{Reader: bytes.NewReader(swapped), text: swapped}
	out.ContentLength = int64(len(swapped))
	out.Header.Del("Content-Length")
	return nil
}

// wiped is a body that is cleared when it was sent.
type wiped struct {
	*bytes.Reader
	text []byte
}

// Close implements [io.Closer].
func (w *wiped) Close() error {
	w.Reset(nil)
	sensitive.Wipe(w.text)
	return nil
}

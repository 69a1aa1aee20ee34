package courier_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"hotcell/internal/vault/internal/courier"
)

func TestRedirectsWithinAService(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tool   string
		status int
		hops   int64
		done   bool
	}{
		{"get", http.StatusMovedPermanently, 1, true}, {"get", http.StatusFound, 5, true}, {"get", http.StatusTemporaryRedirect, 1, true}, {"get", http.StatusPermanentRedirect, 1, true},
		{"get", http.StatusFound, 6, false}, {"get", http.StatusSeeOther, 1, false},
		{"put", http.StatusTemporaryRedirect, 1, true}, {"put", http.StatusPermanentRedirect, 2, true}, {"put", http.StatusFound, 1, false}, {"put", http.StatusMovedPermanently, 1, false},
	} {
		var came atomic.Int64
		w := setup(t, func(w http.ResponseWriter, r *http.Request) {
			n := came.Add(1)
			if n <= c.hops {
				http.Redirect(w, r, "/hop/"+strconv.FormatInt(n, 10), c.status)
				return
			}
			answer(w, map[string]any{"method": r.Method, "length": r.ContentLength})
		}, courier.Limits{})
		args := map[string]any{}
		if c.tool == "put" {
			args["text"] = "t"
		}
		seen, _, err := w.do(t.Context(), c.tool, args)
		if (err == nil) != c.done || c.done && c.tool == "put" && !strings.Contains(seen, `POST`) || w.unkeyed.Load() != 0 || w.elsewhere.Load() != 0 || came.Load() > 6 {
			t.Errorf("%+v: %s, %v, after %d", c, seen, err, came.Load())
		}
	}
}

package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hotcell/internal/control/api"
	"hotcell/internal/control/api/apitest"
)

func TestThePageThatAsksForALogin(t *testing.T) {
	t.Parallel()
	f := setup(t)
	at := apitest.Base + "/answer/ask_01.9999999999.token"
	r := visit(f, "GET", at, nil)
	text, _ := io.ReadAll(r.Body)
	page := string(text)
	if r.StatusCode != http.StatusOK || !strings.Contains(page, "portal.acme.test") || !strings.Contains(page, "Olga") || strings.Contains(page, "<script>alert") {
		t.Errorf("%d %s", r.StatusCode, page)
	}
	policy := r.Header.Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") || strings.Count(policy, "'sha256-") != 2 || !strings.Contains(policy, "default-src 'none'") || r.Header.Get("Referrer-Policy") != "no-referrer" || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", r.Header)
	}
	if r := visit(f, "GET", apitest.Base+"/answer/ask_01.9999999999.tokem", nil); r.StatusCode != http.StatusNotFound {
		t.Errorf("another token: %d", r.StatusCode)
	}
	// By a link in a mail it is shown; nothing else of another site gets to it.
	for mode, want := range map[string]int{"navigate document": http.StatusOK, "navigate iframe": http.StatusForbidden, "cors empty": http.StatusForbidden, "no-cors image": http.StatusForbidden} {
		how, dest, _ := strings.Cut(mode, " ")
		for _, from := range []string{"cross-site", "same-site"} {
			if r := visit(f, "GET", at, nil, "Sec-Fetch-Site", from, "Sec-Fetch-Mode", how, "Sec-Fetch-Dest", dest); r.StatusCode != want {
				t.Errorf("%s from %s: %d, want %d", mode, from, r.StatusCode, want)
			}
		}
	}
	if r := visit(f, "POST", at, nil, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Content-Type", "application/json"); r.StatusCode != http.StatusForbidden {
		t.Errorf("another site answers: %d", r.StatusCode)
	}
	// What it sends must be sealed for this very request.
	for body, want := range map[string]int{
		`{}`: http.StatusUnprocessableEntity, `{"sealed":[{"name":"password","sealed":"AAAA"}]}`: http.StatusUnprocessableEntity, `{`: http.StatusUnprocessableEntity, strings.Repeat(" ", 70_000) + `{}`: http.StatusUnprocessableEntity,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, at, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		api.Public(f.world.Config()).ServeHTTP(w, r)
		answer := w.Result()
		if answer.StatusCode != want {
			t.Errorf("%.40s: %d, want %d", body, answer.StatusCode, want)
		}
	}
	if r := visit(f, "POST", at, nil, "Content-Type", "application/x-www-form-urlencoded"); r.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a form: %d", r.StatusCode)
	}
}

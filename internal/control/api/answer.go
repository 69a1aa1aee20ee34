package api

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"net/http"
	"strings"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// answerPath begins the page on which a person gives the login that a job asks for.
const answerPath = "/answer/"

//go:embed answer.html
var answerHTML string

//go:embed answer.css
var answerCSS string

//go:embed answer.js
var answerJS string

// answerPage is what answer.html shows.
type answerPage struct {
	*vaultrpc.AskedAnswer
	Key    string
	Style  template.CSS
	Script template.JS
}

// answering registers the page. Nobody is signed in on it: the link's token is what
// admits a browser, until the request is answered.
func (s *service) answering(mux *http.ServeMux, c *connectPages) {
	css := string(c.style) + answerCSS
	view := template.Must(template.New("answer").Parse(answerHTML))
	policy := "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; connect-src 'self'; style-src " + hashSource(css) + "; script-src " + hashSource(answerJS)
	mux.HandleFunc("GET "+answerPath+"{token}", func(w http.ResponseWriter, r *http.Request) {
		asked, err := s.Vault.AskedLogin(r.Context(), &vaultrpc.AskedRequest{Token: r.PathValue("token")})
		if err != nil {
			status, text := s.badAnswer(r, err)
			c.show(w, status, page{Title: "This did not work", Bad: true, Text: text})
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", policy)
		_ = view.Execute(w, answerPage{
			asked, base64.StdEncoding.EncodeToString(asked.PublicKey), template.CSS(css), template.JS(answerJS), //nolint:gosec // our own files
		})
	})
	mux.HandleFunc("POST "+answerPath+"{token}", func(w http.ResponseWriter, r *http.Request) {
		status, text := http.StatusOK, "The job has it. You can close this window."
		if err := s.answer(w, r); err != nil {
			status, text = s.badAnswer(r, err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"text": text})
	})
}

// hashSource is a source of a Content-Security-Policy: this text and no other.
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// maxAnswer bounds what the page sends.
const maxAnswer = 64 << 10

// answer takes what the page sent: sealed, as no other page's script could send it.
func (s *service) answer(w http.ResponseWriter, r *http.Request) error {
	if r.Header.Get("Content-Type") != "application/json" {
		return hotcell.Invalid("", "this page sends JSON")
	}
	var in struct {
		Username string           `json:"username"`
		Sealed   []sealedVariable `json:"sealed"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAnswer))
	if err != nil || strictJSON.Unmarshal(body, &in) != nil {
		return hotcell.Invalid("", "what the page sent cannot be read")
	}
	out := &vaultrpc.AnswerRequest{Token: r.PathValue("token"), Username: in.Username}
	for _, one := range in.Sealed {
		out.Fields = append(out.Fields, vaultrpc.SealedVariable{Name: one.Name, Message: one.Sealed})
	}
	return s.Vault.AnswerLogin(r.Context(), out)
}

// badAnswer says why not, as far as whoever holds the link may know.
func (s *service) badAnswer(r *http.Request, err error) (status int, text string) {
	field, invalid := errors.AsType[*hotcell.FieldError](err)
	switch {
	case errors.Is(err, hotcell.ErrNotFound):
		return http.StatusNotFound, "There is no such link, or it is over: each is good for fifteen minutes, until the request is answered. Ask for a new one."
	case errors.Is(err, hotcell.ErrUnavailable):
		return http.StatusServiceUnavailable, "A part of the server does not answer. Try again in a moment."
	case invalid:
		return http.StatusUnprocessableEntity, sentence(field.Reason)
	case errors.Is(err, hotcell.ErrConflict), errors.Is(err, hotcell.ErrDenied):
		return http.StatusConflict, sentence(err.Error())
	}
	s.tell(r.Context(), "answer", err)
	return http.StatusInternalServerError, "This did not work, for a reason that is in the server's log."
}

// sentence is an error's text as a page shows it.
func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

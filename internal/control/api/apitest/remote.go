package apitest

import (
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/control/api"
)

// ServeTLS serves the API at a URL until the test ends, to whoever brings one of the
// bearers. It returns the URL, and its authority's certificate in PEM.
func (w *World) ServeTLS(t testing.TB, bearers ...hotcell.Bearer) (address string, authority []byte) {
	t.Helper()
	c := w.Config()
	c.Principal = func(r *http.Request) (hotcell.Principal, error) {
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		for _, b := range bearers {
			if given == string(b) && r.TLS != nil {
				return hotcell.Principal{Workspace: w.workspace.ID, Member: w.member.ID, Via: "token", Bearer: b}, nil
			}
		}
		return hotcell.Principal{}, hotcell.ErrSignIn
	}
	server := httptest.NewUnstartedServer(api.New(c))
	server.Config.ErrorLog = slog.NewLogLogger(slog.NewJSONHandler(w.Logged, nil), slog.LevelWarn)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

package test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell/hotcelltest"
	"hotcell/internal/wire/authority"
)

// The hosts of the matrix: a model's that everybody knows, one that is a model's
// because the operator lists it, and one that is none.
const (
	knownModel  = "api.anthropic.com"
	listedModel = "llm.acme.test"
	noModel     = "api.acme.test"
)

// twins are services at loopback under the names of others. They keep what arrived.
type twins struct {
	port int
	ca   string
	mu   sync.Mutex
	got  []string
}

// openTwins listens for hosts, each a name of its own.
func openTwins(t *testing.T, hosts ...string) *twins {
	t.Helper()
	ca, err := authority.New("twins", time.Now(), time.Hour)
	must(t, err)
	certificate, err := ca.Issue(hosts...)
	must(t, err)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	must(t, err)
	w := &twins{ca: file(t, "ca.pem", string(ca.PEM())), port: l.Addr().(*net.TCPAddr).Port}
	server := &http.Server{Handler: w, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return w
}

// ServeHTTP writes down what arrived.
func (w *twins) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.got = append(w.got, fmt.Sprintf("%s %s key=%s authorization=%s", r.Host, r.URL.Path, strings.Join([]string{r.Header.Get("X-Api-Key"), r.Header.Get("X-Goog-Api-Key"), r.Header.Get("Api-Key")}, ""), r.Header.Get("Authorization")))
	w.mu.Unlock()
	answer.Header().Set("Content-Type", "application/json")
	_, _ = answer.Write([]byte(`{"data":[{"id":"model-1","object":"model"}],"models":[{"name":"model-1"}]}`))
}

// take are the keys that came since, by the path that they came with.
func (w *twins) take() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]string{}
	for _, line := range w.got {
		f := strings.Fields(line)
		out[f[1]] = strings.TrimPrefix(f[2], "key=")
	}
	w.got = nil
	return out
}

// configuration is of a server that finds the twins.
func (w *twins) configuration(hosts ...string) string {
	out := "egress:\n  extra_ca: " + w.ca + "\n  allow_private: [" + strings.Join(hosts, ", ") + "]\n  hosts:\n"
	for _, h := range hosts {
		out += "  - {name: " + h + ", address: 127.0.0.1}\n"
	}
	return out
}

// at is a host with the twins' port.
func (w *twins) at(host string) string { return fmt.Sprintf("%s:%d", host, w.port) }

// verdict is what explain says.
type verdict struct {
	Allowed     bool
	Reason      string
	Model       bool
	Withheld    []string
	Credentials []struct{ Name, As string }
}

// lets says whether a request is let through that shows a variable of a secret.
func (v verdict) lets(secret string) bool {
	return v.Allowed && !slices.Contains(v.Withheld, secret)
}

func explained(t *testing.T, s *hotcelltest.Server, of, method, url string) (out verdict) {
	t.Helper()
	r := s.Run("explain", of, method, url, "-o", "json")
	if err := json.Unmarshal([]byte(r.Out), &out); err != nil || (r.Code == 0) != out.Allowed {
		t.Fatalf("explain %s %s: %+v, %v", of, url, r, err)
	}
	return out
}

// TestExplainAndRealityAgreeOnModels holds what explain says of requests to hosts of
// models against what becomes of them: model × declared × attached, in real cells.
func TestExplainAndRealityAgreeOnModels(t *testing.T) {
	t.Parallel()
	for _, declared := range []string{"true", "false", "no word"} {
		t.Run("zero data retention: "+declared, func(t *testing.T) {
			t.Parallel()
			matrix(t, declared)
		})
	}
}

// matrixKey is of no shape that is known.
const matrixKey = "kW9vQ2mT7xLr4ZpN8cYb3HsD"

func matrix(t *testing.T, declared string) {
	t.Helper()
	hosts := []string{knownModel, listedModel, noModel}
	w := openTwins(t, hosts...)
	more := "models:\n- {host: " + strings.ToUpper(knownModel) + ", zero_data_retention: " + declared + "}\n- {host: LLM.acme.test, zero_data_retention: " + declared + "}\n"
	if declared == "no word" {
		more = "models: [{host: llm.acme.test}]\n"
	}
	s := hotcelltest.Start(t, w.configuration(hosts...)+more)
	cells := w.cells(t, s, hosts)
	for name, header := range cells {
		s.OK("assignments", "change", name, "--command", w.curls(hosts, name, header))
		out := s.OK("run", name) + "\n"
		arrived := w.take()
		for _, host := range hosts {
			path := "/v1/" + name + "/" + host
			does := strings.Contains(out, "code "+host+" 200\n")
			key, came := arrived[path]
			says := explained(t, s, name, "GET", "https://"+w.at(host)+path)
			puts := len(says.Credentials) > 0
			switch cell := fmt.Sprintf("%s at %s: explain says %+v, the job's curl %q, the service got %t %q", name, host, says, out, came, key); {
			case says.lets(map[string]string{"env": "free", "env-bound": "bound"}[name]) != does || came != does:
				t.Errorf("allowed or not: %s", cell)
			case does && puts && key != matrixKey:
				t.Errorf("the credential is not on: %s", cell)
			case does && name == "env-bound" && key != matrixKey:
				t.Errorf("a key does not come to the host that it is bound to: %s", cell)
			case does && name == "env" && key != matrixKey:
				t.Errorf("something else stands in the key's place: %s", cell)
			case does && name == "none" && key != "":
				t.Errorf("something was put on: %s", cell)
			case says.Model != (host != noModel) && says.Allowed:
				t.Errorf("a model or not: %s", cell)
			case name != "env" && does != (host == noModel || declared == "true"), name == "env" && does != (host == noModel):
				t.Errorf("the operator's word does not count: %s", cell)
			}
		}
	}
}

// cells makes an assignment for each way of attaching, and returns by which header
// its jobs show the key.
func (w *twins) cells(t *testing.T, s *hotcelltest.Server, hosts []string) map[string]string {
	t.Helper()
	var bound, allow []string
	for _, host := range hosts {
		bound, allow = append(bound, w.at(host)), append(allow, "--allow", w.at(host))
		if r := s.RunWith(matrixKey, "connections", "create", "http", "--name", host, "--host", w.at(host), "--auth", "header:x-api-key", "--api-key-file", "-"); r.Code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	for name, flags := range map[string][]string{"bound": {"--hosts", strings.Join(bound, ",")}, "free": nil} {
		if r := s.RunWith("KEY="+matrixKey+"\n", append([]string{"secrets", "create", name, "--env-file", "-"}, flags...)...); r.Code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	create := func(name string, more []string, attach ...[]string) {
		s.OK(append([]string{"assignments", "create", name, "--command", "true"}, more...)...)
		for _, args := range attach {
			s.OK(append([]string{"assignments", "attach", name}, args...)...)
		}
	}
	by := func(as string) (out [][]string) {
		for _, host := range hosts {
			out = append(out, []string{host, "--as", as})
		}
		return out
	}
	create("http", nil, by("http")...)
	create("http-allowed", allow, by("http")...)
	create("stand-in", allow, []string{"bound", "--as", "stand-in", "--places", "header:x-api-key"})
	create("env-bound", allow, []string{"bound"})
	create("env", allow, []string{"free"})
	create("none", allow)
	return map[string]string{"http": "", "http-allowed": "", "stand-in": "$KEY", "env-bound": "$KEY", "env": "$KEY", "none": ""}
}

// curls has a job ask each host once.
func (w *twins) curls(hosts []string, name, header string) string {
	out := ""
	if header != "" {
		header = `-H "x-api-key: ` + header + `" `
	}
	for _, host := range hosts {
		out += fmt.Sprintf("curl -sS -o /dev/null -w 'code %s %%{http_code}\\n' %shttps://%s/v1/%s/%s\n", host, header, w.at(host), name, host)
	}
	return out + "true"
}

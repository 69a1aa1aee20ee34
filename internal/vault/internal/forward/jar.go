package forward

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/publicsuffix"

	"hotcell"
	"hotcell/internal/wire/place"
)

// The bounds of what is kept for one job.
const (
	maxJars    = 64
	maxCookies = 100
	maxCookie  = 4096
)

// jars keep services' cookies, for each job and for each set of attachments of it.
// They are the services' own word: what a job brings is never in one, no job sees
// what is, and they end with the job.
type jars struct {
	mu   sync.Mutex
	jobs map[hotcell.JobID]map[string]*jar
}

// jar is one of them.
type jar struct {
	mu      sync.Mutex
	cookies *cookiejar.Jar
	names   map[string]bool
}

// of is the jar of a job's attachments; nil where there are too many.
func (j *jars) of(job hotcell.JobID, attachments []hotcell.AttachmentID) *jar {
	ids := make([]string, 0, len(attachments))
	for _, id := range attachments {
		ids = append(ids, string(id))
	}
	slices.Sort(ids)
	key := strings.Join(ids, " ")
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.jobs == nil {
		j.jobs = map[hotcell.JobID]map[string]*jar{}
	}
	if j.jobs[job] == nil {
		j.jobs[job] = map[string]*jar{}
	}
	of := j.jobs[job]
	if of[key] == nil && len(of) < maxJars {
		cookies, err := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
		if err != nil {
			return nil
		}
		of[key] = &jar{cookies: cookies, names: map[string]bool{}}
	}
	return of[key]
}

// end empties the jars of a job, or all.
func (j *jars) end(job hotcell.JobID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if delete(j.jobs, job); job == "" {
		clear(j.jobs)
	}
}

// take keeps what an answer sets, and takes it out of the answer. What the request
// itself brought is not the service's own, and a job could choose a session by it.
func (j *jar) take(answer *http.Response, to *url.URL) {
	set := answer.Cookies()
	answer.Header.Del("Set-Cookie")
	answer.Header.Del("Set-Cookie2")
	if j == nil || len(set) == 0 {
		return
	}
	brought := to.RequestURI() + " " + unescaped(to.RequestURI())
	j.mu.Lock()
	defer j.mu.Unlock()
	set = slices.DeleteFunc(set, func(c *http.Cookie) bool {
		name := strings.ToLower(c.Domain) + " " + c.Name
		if len(c.Name)+len(c.Value) > maxCookie || len(c.Value) >= 6 && strings.Contains(brought, c.Value) || !j.names[name] && len(j.names) >= maxCookies {
			return true
		}
		j.names[name] = true
		return false
	})
	j.cookies.SetCookies(to, set)
}

// give are the cookies for an address.
func (j *jar) give(to *url.URL) []*http.Cookie {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.cookies.Cookies(to)
}

// bake makes the request's cookies anew: the jar's, and of the job's own the
// stand-ins that may stand there. The rest is left out, with a word.
func (m *mounting) bake() error {
	lines := m.out.Header["Cookie"]
	delete(m.out.Header, "Cookie")
	var out []string
	names := map[string]bool{}
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			name, text, _ := strings.Cut(strings.TrimSpace(pair), "=")
			p := place.Place{Kind: place.Cookie, Name: name}
			value, ok := m.at(p)(text)
			switch whose, found := m.holds(pair); {
			case ok && names[name]:
				return twice(p)
			case ok:
				out, names[name] = append(out, name+"="+string(value)), true
			case found:
				return elsewhere(whose, p)
			case slices.Contains(m.ours, p):
				out, names[name] = append(out, name+"="+text), true
			case pair != "":
				m.note = "cookies of the job's own were left out"
			}
		}
	}
	for _, c := range m.cookies {
		if !names[c.Name] {
			out = append(out, c.Name+"="+c.Value)
		}
	}
	if len(out) > 0 {
		m.out.Header["Cookie"] = []string{strings.Join(out, "; ")}
	}
	return nil
}

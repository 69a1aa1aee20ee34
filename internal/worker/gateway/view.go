package gateway

import (
	"bufio"
	"encoding/json"
	"net/http"

	"hotcell"
	"hotcell/internal/line/cellrpc"
)

// maxView is how long one frame of the live view may be, in bytes.
const maxView = 8 << 20

// ServeBrowser serves the job's own principal: GET streams what the browser shows,
// POST does something in it. Who may, the control plane has decided; that somebody
// did, is on record here.
func (g *Gateway) ServeBrowser(w http.ResponseWriter, r *http.Request) {
	client := g.browsing.running()
	if r.Method == http.MethodPost && client == nil && g.ctx.Err() == nil && g.mayBrowse() {
		client, _ = g.browser(r.Context())
	}
	if client == nil || g.ctx.Err() != nil {
		http.Error(w, "the job has no browser now: it is started when it is first used", http.StatusConflict)
		return
	}
	if r.Method == http.MethodPost {
		g.hand(w, r, client)
		return
	}
	if g.report(hotcell.Event{Kind: "browser.view", Decision: hotcell.Allowed}) != nil {
		http.Error(w, "it could not be recorded, so nothing is shown", http.StatusServiceUnavailable)
		return
	}
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "http://browser"+cellrpc.PathView, nil)
	if err != nil {
		return
	}
	answer, err := client.Do(request)
	if err != nil {
		http.Error(w, "the browser does not answer", http.StatusBadGateway)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	w.Header().Set("Content-Type", "application/x-ndjson")
	flush, lines := http.NewResponseController(w), bufio.NewScanner(answer.Body)
	lines.Buffer(make([]byte, 0, 256<<10), maxView)
	for lines.Scan() && g.ctx.Err() == nil {
		var v cellrpc.View
		if json.Unmarshal(lines.Bytes(), &v) != nil {
			return
		}
		// The browser's cell has had its guard on it; this one knows the job's values.
		patterns := g.patterns.Load()
		said := []*string{&v.URL, &v.Title, &v.Dialog}
		for i := range v.Tabs {
			said = append(said, &v.Tabs[i].URL, &v.Tabs[i].Title)
		}
		for _, text := range said {
			*text = string(patterns.Redact([]byte(*text)))
		}
		if json.NewEncoder(w).Encode(v) != nil || flush.Flush() != nil {
			return
		}
	}
}

// hand does what a person does. That they take the browser is on record, and what
// they type is not.
func (g *Gateway) hand(w http.ResponseWriter, r *http.Request, client *http.Client) {
	var hand cellrpc.Hand
	if !read(w, r, &hand) {
		return
	}
	if hand.Kind == cellrpc.HandLearn {
		g.learnWay(w, r, client, hotcell.CredentialID(hand.Text))
		return
	}
	if hand.Kind == "take" || hand.Kind == "give" {
		if err := g.report(hotcell.Event{Kind: "browser." + hand.Kind, Decision: hotcell.Allowed}); err != nil {
			g.fail(w, err)
			return
		}
	}
	if err := askBrowser(r.Context(), client, cellrpc.PathHand, hand, nil); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

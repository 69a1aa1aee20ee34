// Package hubspot is a twin of the parts of HubSpot's CRM API (v3) that tools
// use, as its documentation has them: contacts, companies, deals and notes.
package hubspot

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"hotcell/test/acme/account"
	"hotcell/test/acme/twin"
)

// object is a JSON object.
type object = map[string]any

// Record is one of the CRM, with what it is associated to.
type Record struct {
	Kind       string // contacts, companies, deals, notes
	ID         string
	Properties map[string]string
	// To are "contacts/1" and the like.
	To []string
}

// Twin is the service, with one portal.
type Twin struct {
	twin.Desk
	check account.Check
	mux   *http.ServeMux

	mu      sync.Mutex
	records []*Record
}

// known are the properties that the portal has of each kind.
var known = map[string][]string{
	"contacts":  {"firstname", "lastname", "email", "phone", "company", "jobtitle", "lifecyclestage"},
	"companies": {"name", "domain", "industry", "city", "country", "phone"},
	"deals":     {"dealname", "dealstage", "pipeline", "amount", "closedate"},
	"notes":     {"hs_note_body", "hs_timestamp", "hubspot_owner_id"},
}

// associations are the types that HubSpot defines from notes to others.
var associations = map[int]string{202: "contacts", 190: "companies", 214: "deals"}

// New is a twin; check finds out whose a token is.
func New(check account.Check) *Twin {
	t := &Twin{check: check, mux: http.NewServeMux()}
	for pattern, fn := range map[string]func(account.Account, *http.Request) (int, object){
		"GET /account-info/v3/details":       t.portal,
		"POST /crm/v3/objects/{kind}/search": t.search,
		"GET /crm/v3/objects/{kind}/{id}":    t.read,
		"POST /crm/v3/objects/{kind}":        t.create,
		"PATCH /crm/v3/objects/{kind}/{id}":  t.change,
	} {
		t.mux.HandleFunc(pattern, t.serve(fn))
	}
	t.mux.HandleFunc("/", t.serve(func(account.Account, *http.Request) (int, object) { return missing() }))
	return t
}

// ServeHTTP implements [http.Handler].
func (t *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.mux.ServeHTTP(w, r) }

// Portal is the id of the account, which its people share.
const Portal = 4711

func said(category, message string) object {
	return object{"status": "error", "message": message, "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf", "category": category}
}

func missing() (int, object) {
	return http.StatusNotFound, said("OBJECT_NOT_FOUND", "resource not found")
}

func invalid(format string, args ...any) (int, object) {
	return http.StatusBadRequest, said("VALIDATION_ERROR", fmt.Sprintf(format, args...))
}

func (t *Twin) serve(fn func(account.Account, *http.Request) (int, object)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, ok := t.check(r)
		switch {
		case !ok:
			twin.JSON(w, http.StatusUnauthorized, said("INVALID_AUTHENTICATION", "Authentication credentials not found. This API supports OAuth 2.0 authentication"))
			return
		case t.Over():
			w.Header().Set("X-HubSpot-RateLimit-Interval-Milliseconds", "10000")
			w.Header().Set("X-HubSpot-RateLimit-Remaining", "0")
			out := said("RATE_LIMITS", "You have reached your ten_secondly_rolling limit.")
			out["errorType"], out["policyName"] = "RATE_LIMIT", "TEN_SECONDLY_ROLLING"
			twin.JSON(w, http.StatusTooManyRequests, out)
			return
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		status, body := fn(who, r)
		twin.JSON(w, status, body)
	}
}

// lacks says what HubSpot does where a scope was not granted: notes go by that
// of contacts.
func lacks(who account.Account, kind, verb string) object {
	if kind == "notes" {
		kind = "contacts"
	}
	scope := "crm.objects." + kind + "." + verb
	if slices.Contains(who.Scopes, scope) {
		return nil
	}
	out := said("MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.")
	out["errors"] = []object{{"message": "One or more of the following scopes are required.", "context": object{"requiredGranularScopes": []string{scope}}}}
	return out
}

func (t *Twin) portal(account.Account, *http.Request) (int, object) {
	return http.StatusOK, object{"portalId": Portal, "accountType": "STANDARD", "timeZone": "Europe/Berlin", "companyCurrency": "EUR", "uiDomain": "app.hubspot.com"}
}

// Add adds a record, and returns its id.
func (t *Twin) Add(r Record) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.add(&r).ID
}

func (t *Twin) add(r *Record) *Record {
	r.ID = strconv.Itoa(1001 + len(t.records))
	t.records = append(t.records, r)
	return r
}

// Record is one of the CRM as it is now.
func (t *Twin) Record(kind, id string) (Record, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.find(kind, id); r != nil {
		return Record{r.Kind, r.ID, maps.Clone(r.Properties), slices.Clone(r.To)}, true
	}
	return Record{}, false
}

func (t *Twin) find(kind, id string) *Record {
	i := slices.IndexFunc(t.records, func(r *Record) bool { return r.Kind == kind && r.ID == id })
	if i < 0 {
		return nil
	}
	return t.records[i]
}

// shown is a record with those of the properties that were asked for; those that
// it has not are null.
func (r *Record) shown(properties []string) object {
	out := object{"hs_object_id": r.ID, "createdate": "2026-11-01T08:00:00Z", "lastmodifieddate": "2026-11-02T08:00:00Z"}
	for _, name := range properties {
		out[name] = nil
		if v, there := r.Properties[name]; there {
			out[name] = v
		}
	}
	return object{"id": r.ID, "properties": out, "createdAt": "2026-11-01T08:00:00Z", "updatedAt": "2026-11-02T08:00:00Z", "archived": false}
}

// search is by words, with pages by `after`.
func (t *Twin) search(who account.Account, r *http.Request) (int, object) {
	kind := r.PathValue("kind")
	if known[kind] == nil {
		return missing()
	}
	if problem := lacks(who, kind, "read"); problem != nil {
		return http.StatusForbidden, problem
	}
	in, err := twin.Object(r)
	if err != nil {
		return invalid("Invalid input JSON on line 1, column 1")
	}
	if name, ok := twin.Known(in, "query", "properties", "limit", "after", "filterGroups", "sorts"); !ok {
		return invalid("Invalid input JSON: unrecognised field %s", name)
	}
	query, _ := in["query"].(string)
	limit, after := 10, 0
	if n, given := in["limit"].(float64); given {
		limit = int(n)
	}
	if text := fmt.Sprint(in["after"]); in["after"] != nil && text != "" {
		if after, err = strconv.Atoi(text); err != nil {
			return invalid("Invalid value for after")
		}
	}
	if limit < 0 || limit > 200 || after+limit > 10000 {
		return invalid("The limit is at most 200, and no search goes beyond 10000")
	}
	var hits []object
	for _, one := range t.records {
		if one.Kind == kind && matches(one, query) && within(one, in["filterGroups"]) {
			hits = append(hits, one.shown(list(in["properties"])))
		}
	}
	after = min(after, len(hits))
	end, more := t.Page(len(hits), after, limit)
	out := object{"total": len(hits), "results": append([]object{}, hits[after:end]...)}
	if more {
		out["paging"] = object{"next": object{"after": strconv.Itoa(end), "link": "?after=" + strconv.Itoa(end)}}
	}
	return http.StatusOK, out
}

func matches(r *Record, query string) bool {
	for word := range strings.FieldsSeq(strings.ToLower(query)) {
		if !slices.ContainsFunc(slices.Collect(maps.Values(r.Properties)), func(v string) bool { return strings.Contains(strings.ToLower(v), word) }) {
			return false
		}
	}
	return true
}

// within holds a record against filters by what it is associated to, which are all
// that the twin knows. One group is enough.
func within(r *Record, v any) bool {
	groups, _ := v.([]any)
	for _, one := range groups {
		group, _ := one.(object)
		filters, _ := group["filters"].([]any)
		all := true
		for _, one := range filters {
			f, _ := one.(object)
			kind := map[any]string{"associations.contact": "contacts", "associations.company": "companies", "associations.deal": "deals"}[f["propertyName"]]
			all = all && f["operator"] == "EQ" && kind != "" && slices.Contains(r.To, kind+"/"+fmt.Sprint(f["value"]))
		}
		if all {
			return true
		}
	}
	return len(groups) == 0
}

func list(v any) (out []string) {
	all, _ := v.([]any)
	for _, one := range all {
		out = append(out, fmt.Sprint(one))
	}
	return out
}

func (t *Twin) read(who account.Account, r *http.Request) (int, object) {
	kind := r.PathValue("kind")
	if problem := lacks(who, kind, "read"); known[kind] != nil && problem != nil {
		return http.StatusForbidden, problem
	}
	one := t.find(kind, r.PathValue("id"))
	if one == nil {
		return missing()
	}
	out := one.shown(strings.Split(r.URL.Query().Get("properties"), ","))
	if names := r.URL.Query().Get("associations"); names != "" {
		all := object{}
		for name := range strings.SplitSeq(names, ",") {
			var results []object
			for _, to := range one.To {
				if id, ok := strings.CutPrefix(to, name+"/"); ok {
					results = append(results, object{"id": id, "type": "note_to_" + name})
				}
			}
			if results != nil {
				all[name] = object{"results": results}
			}
		}
		if len(all) > 0 {
			out["associations"] = all
		}
	}
	return http.StatusOK, out
}

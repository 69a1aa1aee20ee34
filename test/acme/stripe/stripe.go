// Package stripe is a twin of the parts of Stripe's API that tools use, as its
// documentation has them: forms in, JSON out, keys with permissions, and requests
// that are done once however often they come.
package stripe

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"hotcell/test/acme/twin"
)

// object is a JSON object.
type object = map[string]any

// Twin is the service, with one account.
type Twin struct {
	twin.Desk
	key string
	mux *http.ServeMux

	mu      sync.Mutex
	things  map[string][]object // by kind, the newest first
	made    int
	done    map[string]*once
	forbids string
}

// once is what was answered to a key of idempotency.
type once struct {
	request string
	status  int
	body    object
}

// New is a twin that takes one key.
func New(key string) *Twin {
	t := &Twin{key: key, mux: http.NewServeMux(), things: map[string][]object{}, done: map[string]*once{}}
	for pattern, fn := range map[string]func(url.Values, *http.Request) (int, object){
		"GET /v1/account":                 t.account,
		"GET /v1/customers":               t.list("customers", "email"),
		"POST /v1/customers":              t.createCustomer,
		"GET /v1/customers/{id}":          t.read("customers"),
		"GET /v1/invoices":                t.list("invoices", "customer", "status"),
		"POST /v1/invoices":               t.createInvoice,
		"GET /v1/invoices/{id}":           t.read("invoices"),
		"POST /v1/invoices/{id}/finalize": t.finalize,
		"POST /v1/invoiceitems":           t.createItem,
		"GET /v1/payment_intents":         t.list("payment_intents", "customer"),
		"GET /v1/subscriptions":           t.list("subscriptions", "customer"),
		"POST /v1/refunds":                t.refund,
	} {
		t.mux.HandleFunc(pattern, t.serve(fn))
	}
	t.mux.HandleFunc("/", t.serve(func(_ url.Values, r *http.Request) (int, object) {
		return wrong(http.StatusNotFound, "", "", fmt.Sprintf("Unrecognized request URL (%s: %s).", r.Method, r.URL.Path))
	}))
	return t
}

// ServeHTTP implements [http.Handler].
func (t *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.mux.ServeHTTP(w, r) }

// Forbid has the key have no permission for paths that begin so.
func (t *Twin) Forbid(prefix string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forbids = prefix
}

// wrong is Stripe's error.
func wrong(status int, code, param, message string) (int, object) {
	e := object{"type": "invalid_request_error", "message": message}
	if code != "" {
		e["code"], e["doc_url"] = code, "https://stripe.com/docs/error-codes/"+strings.ReplaceAll(code, "_", "-")
	}
	if param != "" {
		e["param"] = param
	}
	return status, object{"error": e}
}

// serve checks a request, and does it once for a key of idempotency.
func (t *Twin) serve(fn func(url.Values, *http.Request) (int, object)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if status, body := t.admit(r); status != 0 {
			twin.JSON(w, status, body)
			return
		}
		text, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		form, err := url.ParseQuery(string(text))
		if r.Method == http.MethodGet {
			form, err = r.URL.Query(), nil
		}
		if err != nil || r.Method == http.MethodPost && r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			status, body := wrong(http.StatusBadRequest, "", "", "Invalid request: requests are form-encoded")
			twin.JSON(w, status, body)
			return
		}
		key, request := r.Header.Get("Idempotency-Key"), r.Method+" "+r.URL.Path+"?"+form.Encode()
		before := t.done[key]
		switch {
		case key == "" || r.Method == http.MethodGet:
			status, body := fn(form, r)
			twin.JSON(w, status, body)
		case len(key) > 255:
			status, body := wrong(http.StatusBadRequest, "", "", "Idempotency keys are 255 characters at the most.")
			twin.JSON(w, status, body)
		case before != nil && before.request != request:
			twin.JSON(w, http.StatusBadRequest, object{"error": object{"type": "idempotency_error", "message": "Keys for idempotent requests can only be used with the same parameters they were first used with."}})
		case before != nil:
			w.Header().Set("Idempotent-Replayed", "true")
			twin.JSON(w, before.status, before.body)
		default:
			status, body := fn(form, r)
			w.Header().Set("Idempotency-Key", key)
			t.done[key] = &once{request, status, body}
			twin.JSON(w, status, body)
		}
	}
}

// admit looks at the key, its permissions and the limit.
func (t *Twin) admit(r *http.Request) (int, object) {
	user, _, basic := r.BasicAuth()
	switch shown := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); {
	case shown == "":
		return wrong(http.StatusUnauthorized, "", "", "You did not provide an API key.")
	case shown != t.key && (!basic || user != t.key):
		return wrong(http.StatusUnauthorized, "", "", "Invalid API Key provided: "+shown[:min(8, len(shown))]+"****")
	case r.Header.Get("Stripe-Version") != "" && r.Header.Get("Stripe-Version") != "2025-03-31.basil":
		return wrong(http.StatusBadRequest, "", "", "Invalid Stripe API version")
	case t.Over():
		return wrong(http.StatusTooManyRequests, "rate_limit", "", "Request rate limit exceeded.")
	case t.forbids != "" && strings.HasPrefix(r.URL.Path, t.forbids):
		return wrong(http.StatusForbidden, "", "", "The provided key 'rk_test_****' does not have the required permissions for this endpoint.")
	}
	return 0, nil
}

// unknown names a parameter that an endpoint does not take.
func unknown(form url.Values, names ...string) (int, object) {
	for name := range form {
		base, _, _ := strings.Cut(name, "[")
		if !slices.Contains(names, base) {
			return wrong(http.StatusBadRequest, "parameter_unknown", name, "Received unknown parameter: "+name)
		}
	}
	return 0, nil
}

func (t *Twin) account(url.Values, *http.Request) (int, object) {
	return http.StatusOK, object{"id": "acct_1AcmeAcmeAcme", "object": "account", "settings": object{"dashboard": object{"display_name": "Acme"}}}
}

// Add adds a thing of a kind, and returns its id.
func (t *Twin) Add(kind string, thing map[string]any) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprint(t.add(kind, thing)["id"])
}

func (t *Twin) add(kind string, thing object) object {
	t.made++
	prefix := map[string]string{"customers": "cus", "invoices": "in", "invoiceitems": "ii", "payment_intents": "pi", "subscriptions": "sub", "refunds": "re"}[kind]
	thing["id"], thing["object"], thing["created"] = fmt.Sprintf("%s_Acme%06d", prefix, t.made), strings.TrimSuffix(kind, "s"), 1764000000+t.made
	t.things[kind] = slices.Insert(t.things[kind], 0, thing)
	return thing
}

// All are the things of a kind, the newest first.
func (t *Twin) All(kind string) []map[string]any {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.things[kind])
}

// Keys are the keys of idempotency that requests had.
func (t *Twin) Keys() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.done))
}

func (t *Twin) find(kind, id string) object {
	i := slices.IndexFunc(t.things[kind], func(o object) bool { return o["id"] == id })
	if i < 0 {
		return nil
	}
	return t.things[kind][i]
}

// list is a list, with pages that begin after an id.
func (t *Twin) list(kind string, filters ...string) func(url.Values, *http.Request) (int, object) {
	return func(q url.Values, r *http.Request) (int, object) {
		if status, body := unknown(q, append(filters, "limit", "starting_after", "expand")...); status != 0 {
			return status, body
		}
		limit := 10
		if text := q.Get("limit"); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > 100 {
				return wrong(http.StatusBadRequest, "parameter_invalid_integer", "limit", "Invalid integer: limit is from 1 to 100")
			}
			limit = n
		}
		var all []object
		for _, one := range t.things[kind] {
			if !slices.ContainsFunc(filters, func(f string) bool { return q.Get(f) != "" && one[f] != q.Get(f) }) {
				all = append(all, one)
			}
		}
		from := 0
		if after := q.Get("starting_after"); after != "" {
			i := slices.IndexFunc(all, func(o object) bool { return o["id"] == after })
			if i < 0 {
				return wrong(http.StatusBadRequest, "resource_missing", "starting_after", "No such object: '"+after+"'")
			}
			from = i + 1
		}
		end, more := t.Page(len(all), from, limit)
		data := []object{}
		for _, one := range all[from:end] {
			data = append(data, t.expanded(one, q["expand[]"]))
		}
		return http.StatusOK, object{"object": "list", "data": data, "has_more": more, "url": r.URL.Path}
	}
}

// expanded is a thing with whole objects in the place of ids.
func (t *Twin) expanded(one object, expand []string) object {
	out := maps.Clone(one)
	for _, name := range expand {
		name = strings.TrimPrefix(name, "data.")
		if id, is := one[name].(string); is && name == "customer" {
			out[name] = t.find("customers", id)
		}
	}
	return out
}

func (t *Twin) read(kind string) func(url.Values, *http.Request) (int, object) {
	return func(q url.Values, r *http.Request) (int, object) {
		if status, body := unknown(q, "expand"); status != 0 {
			return status, body
		}
		one := t.find(kind, r.PathValue("id"))
		if one == nil {
			return wrong(http.StatusNotFound, "resource_missing", "id", "No such "+strings.TrimSuffix(kind, "s")+": '"+r.PathValue("id")+"'")
		}
		return http.StatusOK, t.expanded(one, q["expand[]"])
	}
}

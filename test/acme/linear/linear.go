// Package linear is a twin of the part of Linear's GraphQL API that tools use:
// what is asked is held against a schema, and errors have the codes of Linear's.
package linear

import (
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"hotcell/test/acme/account"
	"hotcell/test/acme/twin"
)

//go:embed schema.graphql
var schema string

// object is a JSON object.
type object = map[string]any

// Twin is the service, with one organisation and one team.
type Twin struct {
	twin.Desk
	check  account.Check
	schema *ast.Schema

	mu      sync.Mutex
	issues  []object
	failing bool
}

// New is a twin; check finds out whose a token is.
func New(check account.Check) (*Twin, error) {
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: schema})
	if err != nil {
		return nil, fmt.Errorf("reading the schema of Linear's twin: %w", err)
	}
	return &Twin{check: check, schema: s}, nil
}

// Fail has changes be not done, which Linear says by success.
func (t *Twin) Fail(failing bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failing = failing
}

// The codes of errors that Linear has.
const (
	unauthorised = "AUTHENTICATION_ERROR"
	forbidden    = "FORBIDDEN"
	badInput     = "INPUT_ERROR"
	malformed    = "GRAPHQL_VALIDATION_FAILED"
	limited      = "RATELIMITED"
)

// fault is an error with a code.
type fault struct{ code, message string }

func (f *fault) Error() string { return f.message }

func refuse(w http.ResponseWriter, status int, code, message string) {
	twin.JSON(w, status, object{"errors": []object{{"message": message, "extensions": object{
		"code": code, "type": strings.ToLower(strings.ReplaceAll(code, "_", " ")), "userError": code == badInput, "userPresentableMessage": message,
	}}}, "data": nil})
}

// ServeHTTP implements [http.Handler].
func (t *Twin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, ok := t.check(r)
	in, err := twin.Object(r)
	query, _ := in["query"].(string)
	switch {
	case r.URL.Path != "/graphql" || r.Method != http.MethodPost:
		http.NotFound(w, r)
		return
	case !ok:
		refuse(w, http.StatusBadRequest, unauthorised, "Authentication required, not authenticated")
		return
	case t.Over():
		w.Header().Set("X-RateLimit-Requests-Remaining", "0")
		w.Header().Set("X-RateLimit-Requests-Reset", strconv.FormatInt(time.Now().Add(90*time.Second).UnixMilli(), 10))
		refuse(w, http.StatusBadRequest, limited, "Rate limit exceeded. Only 5000 requests are allowed per 1 hour.")
		return
	case err != nil || query == "":
		refuse(w, http.StatusBadRequest, "BAD_REQUEST", "GraphQL operations must contain a non-empty `query` or a `persistedQuery` extension.")
		return
	}
	document, list := gqlparser.LoadQueryWithRules(t.schema, query, rules.NewDefaultRules())
	if list != nil || len(document.Operations) != 1 {
		refuse(w, http.StatusBadRequest, malformed, fmt.Sprint(list))
		return
	}
	operation := document.Operations[0]
	given, _ := in["variables"].(object)
	variables, err := validator.VariableValues(t.schema, operation, given)
	if err != nil {
		refuse(w, http.StatusBadRequest, "BAD_USER_INPUT", err.Error())
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	data := object{}
	for _, selected := range operation.SelectionSet {
		field, is := selected.(*ast.Field)
		if !is {
			continue
		}
		v, err := t.resolve(who, operation.Operation, field, field.ArgumentMap(variables))
		if f, is := errors.AsType[*fault](err); is {
			refuse(w, http.StatusOK, f.code, f.message)
			return
		}
		data[field.Alias] = selectedOf(v, field.SelectionSet)
	}
	twin.JSON(w, http.StatusOK, object{"data": data})
}

// selectedOf is a value with the fields that were asked for.
func selectedOf(v any, set ast.SelectionSet) any {
	switch v := v.(type) {
	case []object:
		out := []any{}
		for _, one := range v {
			out = append(out, selectedOf(one, set))
		}
		return out
	case object:
		if v == nil {
			return nil
		}
		out := object{}
		for _, s := range set {
			if f, is := s.(*ast.Field); is {
				out[f.Alias] = selectedOf(v[f.Name], f.SelectionSet)
			}
		}
		return out
	}
	return v
}

// resolve does one field of a query or a mutation.
func (t *Twin) resolve(who account.Account, kind ast.Operation, field *ast.Field, args object) (any, error) {
	needs := map[string]string{"issueCreate": "issues:create", "commentCreate": "comments:create", "issueUpdate": "write"}[field.Name]
	if needs == "" {
		needs = "read"
	}
	if !slices.Contains(who.Scopes, needs) && (needs == "read" || !slices.Contains(who.Scopes, "write")) {
		return nil, &fault{forbidden, "Invalid scope: `" + needs + "` required"}
	}
	if kind == ast.Mutation {
		return t.change(field.Name, args)
	}
	switch field.Name {
	case "viewer":
		return t.user(who.ID), nil
	case "issue":
		i, err := t.find(args["id"])
		return i, err
	case "searchIssues":
		out, err := t.connection(t.matching(fmt.Sprint(args["term"])), args)
		if err == nil {
			out["totalCount"] = len(t.issues)
		}
		return out, err
	case "issues":
		return t.connection(t.filtered(args), args)
	case "teams":
		return t.connection([]object{t.team()}, args)
	case "users":
		return t.connection([]object{t.user("U1"), t.user("U2")}, args)
	case "issueLabels":
		return t.connection(labels, args)
	}
	return nil, &fault{badInput, "the twin knows no " + field.Name}
}

// connection is a page of a list.
func (t *Twin) connection(all []object, args object) (object, error) {
	limit, from := 50, 0
	if n, given := args["first"].(int64); given {
		limit = int(n)
	}
	if limit < 1 || limit > 250 {
		return nil, &fault{badInput, "Argument Validation Error: first must not be greater than 250"}
	}
	if after, _ := args["after"].(string); after != "" {
		i := slices.IndexFunc(all, func(o object) bool { return o["id"] == after })
		if i < 0 {
			return nil, &fault{badInput, "Argument Validation Error: after is no cursor"}
		}
		from = i + 1
	}
	end, more := t.Page(len(all), from, limit)
	info := object{"hasNextPage": more, "endCursor": nil}
	if end > from {
		info["endCursor"] = all[end-1]["id"]
	}
	return object{"nodes": append([]object{}, all[from:end]...), "pageInfo": info}, nil
}

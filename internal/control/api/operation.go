package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"hotcell"
)

// operation registers one operation. Errors become problems in one place.
func operation[Input, Output any](s *service, api huma.API, method, path, id, summary string, status int, fn func(context.Context, hotcell.Principal, *Input) (*Output, error)) {
	huma.Register(api, huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary, DefaultStatus: status, MaxBodyBytes: mostOf(method, path),
	}, func(ctx context.Context, in *Input) (*Output, error) {
		out, err := fn(ctx, who(ctx), in)
		if err == nil {
			return out, nil
		}
		s.tell(ctx, id, err)
		return nil, problemOf(err).of(requestID(ctx))
	})
}

// item is an answer that is one thing, with its revision.
type item[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

func itemOf[T any](body T, revision int) *item[T] {
	return &item[T]{ETag: etag(revision), Body: body}
}

func etag(revision int) string { return `"` + strconv.Itoa(revision) + `"` }

// list is one page; Next is what to give as after for the one behind it.
type list[T any] struct {
	Body struct {
		Items []T    `json:"items"`
		Next  string `json:"next,omitempty"`
	}
}

func listOf[T any](items []T, page hotcell.Page, id func(T) string) *list[T] {
	out := &list[T]{}
	out.Body.Items = items
	if items == nil {
		out.Body.Items = []T{}
	}
	if len(items) > 0 && len(items) == page.Size() {
		out.Body.Next = id(items[len(items)-1])
	}
	return out
}

// Paging is how lists are asked for.
type Paging struct {
	After string `query:"after" doc:"the id of the last item of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
}

func (p Paging) page() hotcell.Page { return hotcell.Page{After: p.After, Limit: p.Limit} }

// empty is an answer that says nothing.
type empty struct{}

// Known is the revision that a change is of.
type Known struct {
	IfMatch string `header:"If-Match" doc:"the item's ETag, or * for any"`
}

// revision reads If-Match; 0 is any. Without it a change is not made: somebody
// else's may be lost by it.
func (k Known) revision() (int, error) {
	text := strings.TrimSpace(k.IfMatch)
	if text == "*" {
		return 0, nil
	}
	if text == "" {
		return 0, newProblem(http.StatusPreconditionRequired, "precondition_required", "If-Match is required",
			"a change says which version it is of: send the item's ETag as If-Match, or * for any")
	}
	n, err := strconv.Atoi(strings.Trim(strings.TrimPrefix(text, "W/"), `"`))
	if err != nil || n < 1 {
		return 0, hotcell.Invalid("/header/If-Match", `it is an item's ETag, such as "3", or *`)
	}
	return n, nil
}

// check says whether an id in a path has the form of its kind.
func check(id, prefix string) error { return hotcell.CheckID(id, prefix) }

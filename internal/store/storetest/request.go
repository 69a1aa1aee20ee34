package storetest

import (
	"fmt"
	"testing"

	"hotcell"
)

func request(id string, state hotcell.RequestState) hotcell.Request {
	return hotcell.Request{
		ID: hotcell.RequestID(id), Workspace: here, Kind: hotcell.RequestAccess, Job: "job_1", Assignment: "asg_1", Member: "mem_ann",
		Allow: hotcell.Allow{Host: "api.acme.test", Port: 443, Protocol: hotcell.ProtocolHTTPS}, Why: "to read <invoices>",
		State: state, CreatedAt: start,
	}
}

func testRequests(t *testing.T, s hotcell.VaultStore) {
	write(t, s, func(w hotcell.VaultWriter) error {
		for i := range 3 {
			ok(t, "PutRequest", w.PutRequest(request(fmt.Sprintf("ask_%d", i), hotcell.RequestPending)))
		}
		other := request("ask_there", hotcell.RequestPending)
		other.Workspace, other.Job = there, "job_2"
		return w.PutRequest(other)
	})
	decided := request("ask_1", hotcell.RequestApproved)
	decided.Standing, decided.DecidedBy, decided.DecidedAt, decided.Member = true, "mem_bob", &start, "mem_bob"
	write(t, s, func(w hotcell.VaultWriter) error { return w.PutRequest(decided) })
	want(t, "request", must(t, s, func(r hotcell.VaultReader) (hotcell.Request, error) { return r.Request(here, "ask_1") }), decided)
	_, err := read(t, s, func(r hotcell.VaultReader) (hotcell.Request, error) { return r.Request(there, "ask_1") })
	wantError(t, "another workspace's request", err, hotcell.ErrNotFound)
	err = s.Update(t.Context(), func(w hotcell.VaultWriter) error {
		stolen := decided
		stolen.Workspace = there
		return w.PutRequest(stolen)
	})
	wantError(t, "a request put into another workspace", err, hotcell.ErrNotFound)
	list := func(f hotcell.RequestFilter, p hotcell.Page) []string {
		return names(must(t, s, func(r hotcell.VaultReader) ([]hotcell.Request, error) { return r.Requests(here, f, p) }),
			func(q hotcell.Request) string { return string(q.ID) })
	}
	want(t, "newest first", list(hotcell.RequestFilter{}, hotcell.Page{Limit: 2}), []string{"ask_2", "ask_1"})
	want(t, "the next page", list(hotcell.RequestFilter{}, hotcell.Page{Limit: 2, After: "ask_1"}), []string{"ask_0"})
	want(t, "by state", list(hotcell.RequestFilter{State: hotcell.RequestPending}, hotcell.Page{}), []string{"ask_2", "ask_0"})
	want(t, "by member", list(hotcell.RequestFilter{Member: "mem_bob"}, hotcell.Page{}), []string{"ask_1"})
	want(t, "by job", list(hotcell.RequestFilter{Job: "job_2"}, hotcell.Page{}), []string{})
}

package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell"
	"hotcell/internal/store/audit"
)

func event(i int) hotcell.Event {
	return hotcell.Event{
		Workspace: here, At: start.Add(time.Duration(i)), Kind: "secret.use", Decision: hotcell.Allowed,
		Reason: `because "<ü>"`, Member: "mem_ann", Via: "local", Job: "job_1", Assignment: "asg_1", Credential: "sec_1",
		Version: 3, Name: "billing", Host: "api.acme.test:443", Request: "req_1", Size: 10, Duration: 20,
	}
}

// verify reads a whole log page by page and checks its chain.
func verify(t *testing.T, s hotcell.VaultStore, ws hotcell.WorkspaceID) []hotcell.Event {
	t.Helper()
	var all []hotcell.Event
	v := audit.NewVerifier(ws)
	for {
		page := must(t, s, func(r hotcell.VaultReader) ([]hotcell.Event, error) {
			return r.Events(ws, hotcell.EventFilter{Ascending: true, After: int64(len(all)), Limit: 1000})
		})
		for _, e := range page {
			ok(t, "the chain", v.Next(e))
		}
		all = append(all, page...)
		if len(page) < 1000 {
			return all
		}
	}
}

func testEventsKeepAll(t *testing.T, s hotcell.VaultStore) {
	bare := hotcell.Event{Workspace: here, At: start, Kind: "k", Decision: hotcell.Refused}
	zoned := event(2)
	zoned.At = zoned.At.In(time.FixedZone("elsewhere", 3600))
	lying := event(3)
	lying.Sequence, lying.Hash = 77, []byte("forged")
	ok(t, "Record", s.Record(t.Context(), event(0), bare))
	write(t, s, func(w hotcell.VaultWriter) error {
		ok(t, "Record", w.Record(zoned))
		return w.Record(lying)
	})
	ok(t, "Record nothing", s.Record(t.Context()))
	got := verify(t, s, here)
	unplaced := cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Sequence" || p.String() == "Hash" }, cmp.Ignore())
	if diff := cmp.Diff([]hotcell.Event{event(0), bare, zoned, lying}, got, unplaced); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}
}

func testEventRefused(t *testing.T, s hotcell.VaultStore) {
	spoilt := event(0)
	spoilt.Host = "not\xffUTF-8"
	wantError(t, "an event that would not come back the same", s.Record(t.Context(), event(0), spoilt), hotcell.ErrInvalid)
	err := s.Update(t.Context(), func(w hotcell.VaultWriter) error { return w.Record(spoilt) })
	wantError(t, "the same in an update", err, hotcell.ErrInvalid)
	want(t, "events after that", len(verify(t, s, here)), 0)
}

// mixed writes 600 events, more than an index's block may hold, of which one in
// 100 is of another kind, decision and job.
func mixed(t *testing.T, s hotcell.VaultStore) {
	t.Helper()
	var all []hotcell.Event
	for i := range 600 {
		e := event(i)
		if i%100 == 99 {
			e.Kind, e.Decision = "job.start", hotcell.Refused
			e.Job, e.Credential, e.Assignment, e.Member = "job_2", "", "asg_2", "mem_bob"
		}
		foreign := event(i)
		foreign.Workspace = there
		all = append(all, e, foreign)
	}
	ok(t, "Record", s.Record(t.Context(), all...))
}

func testEventFilters(t *testing.T, s hotcell.VaultStore) {
	mixed(t, s)
	rare := []int64{600, 500, 400, 300, 200, 100}
	for name, test := range map[string]struct {
		filter hotcell.EventFilter
		want   []int64
	}{
		"job":              {hotcell.EventFilter{Job: "job_2"}, rare},
		"assignment":       {hotcell.EventFilter{Assignment: "asg_2"}, rare},
		"member":           {hotcell.EventFilter{Member: "mem_bob"}, rare},
		"decision":         {hotcell.EventFilter{Decision: hotcell.Refused}, rare},
		"kind":             {hotcell.EventFilter{Kind: "job.start"}, rare},
		"noun":             {hotcell.EventFilter{Kind: "job"}, rare},
		"part of a noun":   {hotcell.EventFilter{Kind: "jo"}, []int64{}},
		"other verb":       {hotcell.EventFilter{Kind: "job.end"}, []int64{}},
		"two at once":      {hotcell.EventFilter{Job: "job_2", Kind: "job"}, rare},
		"two that differ":  {hotcell.EventFilter{Job: "job_2", Credential: "sec_1"}, []int64{}},
		"before":           {hotcell.EventFilter{Job: "job_2", Before: 300}, []int64{200, 100}},
		"upwards":          {hotcell.EventFilter{Job: "job_2", After: 300, Ascending: true}, []int64{400, 500, 600}},
		"between":          {hotcell.EventFilter{After: 3, Before: 6}, []int64{5, 4}},
		"limit":            {hotcell.EventFilter{Limit: 2}, []int64{600, 599}},
		"limit and job":    {hotcell.EventFilter{Limit: 2, Job: "job_2"}, []int64{600, 500}},
		"from the start":   {hotcell.EventFilter{Limit: 2, Ascending: true}, []int64{1, 2}},
		"past the end":     {hotcell.EventFilter{After: 600, Ascending: true}, []int64{}},
		"allowed":          {hotcell.EventFilter{Decision: hotcell.Allowed, Before: 101, Limit: 2}, []int64{99, 98}},
		"credential":       {hotcell.EventFilter{Credential: "sec_1", After: 98, Ascending: true, Limit: 3}, []int64{99, 101, 102}},
		"what nothing has": {hotcell.EventFilter{Job: "job_9"}, []int64{}},
	} {
		got := must(t, s, func(r hotcell.VaultReader) ([]hotcell.Event, error) { return r.Events(here, test.filter) })
		want(t, name, names(got, func(e hotcell.Event) int64 { return e.Sequence }), test.want)
	}
	defaults := must(t, s, func(r hotcell.VaultReader) ([]hotcell.Event, error) { return r.Events(here, hotcell.EventFilter{}) })
	want(t, "the default page", len(defaults), hotcell.DefaultPage)
	want(t, "a workspace without a log", len(verify(t, s, "wsp_none")), 0)
	want(t, "this log", len(verify(t, s, here)), 600)
	want(t, "the other log", len(verify(t, s, there)), 600)
}

func testNewestVersion(t *testing.T, s hotcell.VaultStore) {
	newest := func(ws hotcell.WorkspaceID, id hotcell.CredentialID) int {
		return must(t, s, func(r hotcell.VaultReader) (int, error) { return r.NewestVersion(ws, id) })
	}
	want(t, "where the log tells of none", newest(here, "sec_1"), 0)
	for _, version := range []int{1, 3, 2, 0} {
		e := event(0)
		e.Version = version
		ok(t, "Record", s.Record(t.Context(), e))
	}
	want(t, "the highest", newest(here, "sec_1"), 3)
	want(t, "another's", newest(here, "sec_2"), 0)
	want(t, "in another workspace", newest(there, "sec_1"), 0)
	write(t, s, func(w hotcell.VaultWriter) error {
		e := event(0)
		e.Version = 4
		ok(t, "Record", w.Record(e))
		got, err := w.NewestVersion(here, "sec_1")
		want(t, "within the update", got, 4)
		return err
	})
	failing := s.Update(t.Context(), func(w hotcell.VaultWriter) error {
		e := event(0)
		e.Version = 5
		ok(t, "Record", w.Record(e))
		return hotcell.ErrDenied
	})
	wantError(t, "the update that fails", failing, hotcell.ErrDenied)
	want(t, "after it", newest(here, "sec_1"), 4)
	e := event(0)
	e.Version = 5
	ok(t, "Record", s.Record(t.Context(), e))
	want(t, "when it is told after all", newest(here, "sec_1"), 5)
}

// testCrowd lets 64 goroutines record, update and fail, in two workspaces, and
// then holds the logs against what was acknowledged.
func testCrowd(t *testing.T, s hotcell.VaultStore) {
	const writers, turns = 64, 12
	acknowledged := make(chan string, writers*turns*2)
	t.Run("writers", func(t *testing.T) {
		for w := range writers {
			t.Run(fmt.Sprint(w), func(t *testing.T) {
				t.Parallel()
				for i := range turns {
					crowd(t, s, w, i, acknowledged)
				}
			})
		}
	})
	close(acknowledged)
	told := map[string]int{}
	for _, ws := range []hotcell.WorkspaceID{here, there} {
		for _, e := range verify(t, s, ws) {
			told[e.Name]++
		}
	}
	for name := range acknowledged {
		if told[name] != 1 {
			t.Errorf("%s was acknowledged and is in the log %d times", name, told[name])
		}
		delete(told, name)
	}
	for name := range told {
		t.Errorf("%s is in the log and failed", name)
	}
	people := must(t, s, func(r hotcell.VaultReader) ([]hotcell.Member, error) { return r.Members(here) })
	if slices.ContainsFunc(people, func(m hotcell.Member) bool { return strings.HasPrefix(string(m.ID), "failed") }) {
		t.Error("something of an update that failed was kept")
	}
	want(t, "members", len(people), writers*turns/3)
}

func crowd(t *testing.T, s hotcell.VaultStore, w, i int, acknowledged chan<- string) {
	e := event(i)
	e.Name = fmt.Sprintf("%d.%d", w, i)
	e.Workspace = []hotcell.WorkspaceID{here, there}[w%2]
	put := func(prefix string, end error) error {
		return s.Update(t.Context(), func(u hotcell.VaultWriter) error {
			ok(t, "Record", u.Record(e))
			ok(t, "PutMember", u.PutMember(hotcell.Member{ID: hotcell.MemberID(prefix + e.Name), Workspace: here}))
			return end
		})
	}
	var err error
	switch i % 3 {
	case 0:
		err = s.Record(t.Context(), e)
	case 1:
		err = put("mem_", nil)
	default:
		wantError(t, "an update that fails", put("failed_", hotcell.ErrDenied), hotcell.ErrDenied)
		return
	}
	ok(t, "writing", err)
	acknowledged <- e.Name
}

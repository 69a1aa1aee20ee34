package audit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/store/audit"
)

func refusal(host string) hotcell.Event {
	return hotcell.Event{Kind: "network.refuse", Decision: hotcell.Refused, Host: host, Reason: "the name is not in the assignment's allow-list"}
}

func add(d *audit.Digest, e hotcell.Event, now time.Time) (single, first bool) {
	return d.Add(e, e.Reason, now)
}

// A flood is written as a few events that say how many there were: nothing is lost
// of the number.
func TestAFloodOfEventsIsCounted(t *testing.T) {
	t.Parallel()
	var d audit.Digest
	now := time.Unix(1_000, 0)
	written, firsts := 0, 0
	for range 100_000 {
		single, first := add(&d, refusal("evil.test"), now)
		if single {
			written++
		}
		if first {
			firsts++
		}
	}
	if written == 0 || written > 300 || firsts != 1 {
		t.Errorf("%d were written one by one, %d were the first that waits", written, firsts)
	}
	if due := d.Due(now, false); due != nil {
		t.Errorf("due at once: %v", due)
	}
	due := d.Due(now.Add(audit.DigestPeriod), false)
	if len(due) != 1 || !strings.HasSuffix(due[0].Reason, "; "+audit.Thousands(100_000-written)+" more like it") || due[0].Host != "evil.test" {
		t.Errorf("due: %+v", due)
	}
	if left := d.Due(now, true); left != nil {
		t.Errorf("left: %v", left)
	}
}

// Names that are made up, each another, do not become as many events.
func TestManyHostsAreToldTogether(t *testing.T) {
	t.Parallel()
	var d audit.Digest
	now, written := time.Unix(1_000, 0), 0
	for i := range 10_000 {
		if single, _ := add(&d, refusal(fmt.Sprintf("h%d.evil.test", i)), now); single {
			written++
		}
	}
	due := d.Due(now, true)
	if len(due) > 65 {
		t.Errorf("%d events", len(due))
	}
	total := written
	for _, e := range due {
		var n int
		text := e.Reason[strings.LastIndex(e.Reason, "; ")+1:]
		if _, err := fmt.Sscan(strings.ReplaceAll(strings.TrimSpace(text), ",", ""), &n); err != nil {
			t.Errorf("%q: %v", e.Reason, err)
		}
		total += n
	}
	if total != 10_000 {
		t.Errorf("of 10,000 events %d are told", total)
	}
}

// What differs by what each has for itself is counted together, and the one event says
// what they share.
func TestAlikeAreCountedTogether(t *testing.T) {
	t.Parallel()
	var d audit.Digest
	now := time.Unix(1_000, 0)
	for i := range 10_000 {
		e := refusal("a.test")
		e.Reason = fmt.Sprintf("GET /%d: not allowed", i)
		d.Add(e, "not allowed", now)
	}
	due := d.Due(now, true)
	if len(due) != 1 || !strings.HasPrefix(due[0].Reason, "not allowed; 9,") {
		t.Errorf("due: %+v", due)
	}
}

// What a job does slowly is written one by one, for as long as it likes.
func TestAQuietJobsEventsAreWrittenAsTheyAre(t *testing.T) {
	t.Parallel()
	var d audit.Digest
	now := time.Unix(1_000, 0)
	for i := range 10_000 {
		now = now.Add(time.Second)
		if single, _ := add(&d, refusal("a.test"), now); !single {
			t.Fatalf("event %d, one a second, was counted", i)
		}
	}
	if text := audit.Thousands(1_234_005); text != "1,234,005" {
		t.Error(text)
	}
}

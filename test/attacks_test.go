package test

import (
	"encoding/json"
	"hash/maphash"
	"slices"
	"strings"
	"testing"

	"hotcell/hotcelltest"
	"hotcell/internal/cli/drill"
	"hotcell/test/prove"
)

// some keeps every case where claims are shown at their full figures, else one in so
// many, others each time.
func some(oneIn int) func(string) bool {
	seed := maphash.MakeSeed()
	return func(name string) bool { return prove.Full() || maphash.String(seed, name)%uint64(oneIn) == 0 }
}

// TestNothingGetsThrough runs the catalogue of attacks, case by case, against
// the real program: what counts is what arrived at the listeners.
func TestNothingGetsThrough(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	report, err := drill.Run(t.Context(), drill.Options{Client: s.Client, Keep: some(3)})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Cases {
		t.Run(r.Name, func(t *testing.T) {
			switch r.Outcome {
			case "through":
				t.Errorf("%s: %s", r.Tries, r.Detail)
			case "skipped":
				t.Skip(r.Detail)
			}
		})
	}
	if report.Tried < prove.Trials(40, 200) {
		t.Errorf("%d cases were tried", report.Tried)
	}
}

// TestTheDrillSaysWhatItTried runs one kind of attacks as an operator does.
func TestTheDrillSaysWhatItTried(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	var report drill.Report
	r := s.Run("drill", "--only", "beside-", "-o", "json")
	if err := json.Unmarshal([]byte(r.Out), &report); err != nil || r.Code != 0 || report.Tried < 5 || len(report.Kinds) != 1 {
		t.Errorf("%d %s: %v", r.Code, r.Err, err)
	}
}

// TestTheAttacksSendWhatTheySay shows the same cases a host that the value may go
// to: there it arrives, so that it is the guard that keeps it elsewhere.
func TestTheAttacksSendWhatTheySay(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	sampled := some(3)
	report, err := drill.Run(t.Context(), drill.Options{Client: s.Client, Control: true, Keep: func(name string) bool {
		kind, _, _ := strings.Cut(name, "-")
		return slices.Contains([]string{"place", "form", "packed", "pieces", "websocket", "client"}, kind) && sampled(name)
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Cases {
		if r.Outcome == "nothing" && !slices.Contains(unwelcome, r.Name) {
			t.Errorf("%s does not arrive even where it may", r.Name)
		}
	}
}

// unwelcome are attacks that no host is sent, whoever it is: they are not what HTTP,
// WebSocket or a packed body may be, or are read by nobody.
var unwelcome = []string{
	"client-node-authority", "form-json-twice", "packed-bomb", "packed-brotli", "packed-deflate-raw", "packed-trailing", "packed-unknown",
	"pieces-pipelined", "place-chunk-extension", "websocket-compressed", "websocket-upgrade",
}

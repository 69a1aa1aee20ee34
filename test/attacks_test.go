package test

import (
	"encoding/json"
	"hash/maphash"
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
	for _, kind := range []string{"place-", "form-", "packed-", "pieces-", "websocket-", "client-"} {
		report, err := drill.Run(t.Context(), drill.Options{Client: s.Client, Control: true, Keep: func(name string) bool {
			return strings.HasPrefix(name, kind) && sampled(name)
		}})
		if err != nil {
			t.Fatal(err)
		}
		var silent []string
		for _, r := range report.Cases {
			if r.Outcome == "nothing" {
				silent = append(silent, r.Name)
			}
		}
		if 2*len(silent) > len(report.Cases) {
			t.Errorf("%d of %d do not arrive even where they may: %s", len(silent), len(report.Cases), strings.Join(silent, ", "))
		} else if len(silent) > 0 {
			t.Logf("refused for their own sake: %s", strings.Join(silent, ", "))
		}
	}
}

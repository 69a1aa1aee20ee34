package test

import (
	"encoding/json"
	"strings"
	"testing"

	"hotcell/hotcelltest"
	"hotcell/internal/drill"
)

// TestNothingGetsThrough runs the catalogue of attacks, case by case, against
// the real program: what counts is what arrived at the listeners.
func TestNothingGetsThrough(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	var report drill.Report
	r := s.Run("drill", "-o", "json")
	if err := json.Unmarshal([]byte(r.Out), &report); err != nil || r.Code != 0 {
		t.Errorf("%d %s: %v", r.Code, r.Err, err)
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
	if report.Tried < 60 || report.Documented < 3 {
		t.Errorf("%d cases were tried, and %d are documented", report.Tried, report.Documented)
	}
}

// TestTheAttacksSendWhatTheySay shows the same cases a host that the value may go
// to: there it arrives, so that it is the guard that keeps it elsewhere.
func TestTheAttacksSendWhatTheySay(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	for _, kind := range []string{"place-", "form-", "packed-", "pieces-", "websocket-", "client-"} {
		report, err := drill.Run(t.Context(), drill.Options{Client: s.Client, Only: kind, Control: true})
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

package test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"hotcell/hotcelltest"
)

// Each command that the pages on keys and backups show is one that there is, with flags
// that it has. What they do is in the tests of each.
func TestTheCommandsOfTheRunbooksAreThere(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"../docs/keys.md", "../docs/backup.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		tried := 0
		for _, line := range typedLines(string(text)) {
			words := strings.Fields(line)
			if len(words) < 2 || words[0] != "hotcell" {
				continue
			}
			tried++
			words = append(words[1:], "--help")
			if out, err := hotcellHelp(t, words...); err != nil || !strings.Contains(out, "EXIT STATUS") {
				t.Errorf("%s: %q: %v\n%s", page, line, err, out)
			}
		}
		if tried < 2 {
			t.Errorf("%s shows %d commands", page, tried)
		}
	}
}

func hotcellHelp(t *testing.T, words ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), hotcelltest.Binary(t), words...).CombinedOutput()
	return string(out), err
}

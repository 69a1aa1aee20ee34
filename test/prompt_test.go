package test

import (
	"strings"
	"testing"

	"hotcell/hotcelltest"
)

// TestAPassphraseIsTheKey starts a server whose key is a passphrase, and starts it with
// others and with none.
func TestAPassphraseIsTheKey(t *testing.T) {
	t.Parallel()
	const words = "correct horse battery staple"
	right := file(t, "right", words+"\n")
	s := hotcelltest.StartWith(t, "key: prompt\n", "--key-passphrase-file", right)
	s.OK("secrets", "create", "billing", "--env-file", file(t, ".env", dotenv))
	s.Canaries(words)
	s.Stop()
	for name, c := range map[string]struct {
		flags []string
		says  string
	}{
		"another":            {[]string{"--key-passphrase-file", file(t, "other", "wrong horse battery staple\n")}, "the passphrase is wrong"},
		"an empty one":       {[]string{"--key-passphrase-file", file(t, "empty", "\n")}, "the passphrase is empty"},
		"nobody to be asked": {nil, "nobody can be asked for it here"},
	} {
		s.Flags(c.flags...)
		if said, code := s.Refused(); code == 0 || !strings.Contains(said, c.says) || strings.Contains(said, "horse") {
			t.Errorf("%s: exit code %d\n%s", name, code, said)
		}
	}
	s.Flags("--key-passphrase-file", right)
	s.Restart()
	if out := s.OK("secrets", "list"); !strings.Contains(out, "billing") {
		t.Errorf("%s", out)
	}
}

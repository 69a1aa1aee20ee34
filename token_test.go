package hotcell_test

import (
	"strings"
	"testing"

	"hotcell"
)

func TestATokenNamesItsJob(t *testing.T) {
	t.Parallel()
	job := hotcell.JobID(hotcell.NewID(hotcell.PrefixJob))
	token, other := hotcell.NewToken(job), hotcell.NewToken(job)
	if token == other {
		t.Error("two tokens are one")
	}
	if got, ok := hotcell.JobOf(token); !ok || got != job {
		t.Errorf("got %q, %v", got, ok)
	}
	for _, bad := range []string{"", "hct_", token[:len(token)-1], token + "0", strings.ToUpper(token), "hcx" + token[3:], token[:40] + flip(token[40:41]) + token[41:], flip(token[:1]) + token[1:]} {
		if _, ok := hotcell.JobOf(bad); ok {
			t.Errorf("%q is taken for a token", bad)
		}
	}
}

func flip(digit string) string {
	if digit == "0" {
		return "1"
	}
	return "0"
}

func FuzzJobOf(f *testing.F) {
	f.Add(hotcell.NewToken("job_01h455vb4pex5vsknk084sn02q"))
	f.Fuzz(func(t *testing.T, token string) {
		if job, ok := hotcell.JobOf(token); ok && hotcell.CheckID(string(job), hotcell.PrefixJob) != nil {
			t.Errorf("%q names %q", token, job)
		}
	})
}

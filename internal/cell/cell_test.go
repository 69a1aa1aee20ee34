package cell_test

import (
	"testing"

	"hotcell/internal/line/cellrpc"
)

func TestCommand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command   string
		arguments []string
		stdout    string
		code      int
	}{
		"output":              {"echo out", nil, "out\n", 0},
		"code":                {"exit 3", nil, "", 3},
		"signal":              {"kill -9 $$", nil, "", 137},
		"missing":             {"no-such-command", nil, "", 127},
		"arguments":           {"printf '%s|'", []string{"a b", "$(id)", "'", ""}, "a b|$(id)|'||", 0},
		"placed arguments":    {`echo "$2-$1"`, []string{"a", "b"}, "b-a\n", 0},
		"counted arguments":   {`echo $#`, []string{"a", "b"}, "2\n", 0},
		"folder":              {"pwd; ls -A", nil, "/job\nout\n", 0},
		"nobody is left over": {"sleep 1000 & echo done", nil, "done\n", 0},
		"user":                {"id -u; id -un; hostname; echo $HOME", nil, "1000\njob\ncell\n/home/job\n", 0},
		"root folder":         {"ls / | tr '\\n' ' ' | sed 's/lib[a-z0-9]* //g'", nil, "bin dev etc home job proc run sbin tmp usr ", 0},
		"script":              {"set -e\necho one\nprintf '%s\\n'\n", []string{"two"}, "one\ntwo\n", 0},
		"standard input":      {"cat; echo end", nil, "end\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{spec: cellrpc.Spec{Command: c.command, Arguments: c.arguments}}
			exit := run(t, f)
			if exit.Code != c.code || exit.Reason != "" || f.stdout() != c.stdout {
				t.Errorf("got %+v, %q, %q", exit, f.stdout(), f.log("stderr"))
			}
		})
	}
}

package job

import "testing"

func TestTheProgramOfACommand(t *testing.T) {
	t.Parallel()
	for command, program := range map[string]string{
		"python3 report.py": "python3", "  exec claude -p": "claude", "A=b C=d node x": "node", "env LANG=C ruby x": "ruby", "/opt/tools/bin/x -v": "/opt/tools/bin/x",
		"": "", "for n in 1 2; do x; done": "", "$TOOL run": "", "(cd x && make)": "", "echo hello": "", "set -e\npython3 x": "", "cat<file": "", "a;b": "", "tool; true": "tool", "tool ; true": "tool",
	} {
		if got := ProgramOf(command); got != program {
			t.Errorf("%q begins with %q, want %q", command, got, program)
		}
	}
}

package cell_test

import (
	"os"
	"strings"
	"testing"

	"hotcell/internal/line/cellrpc"
)

// Two jobs cannot find out by what is written in /proc that they share a machine, or
// tell each other anything by its load.
func TestACellIsToldOfItselfAndNotOfTheMachine(t *testing.T) {
	t.Parallel()
	const script = `
for f in meminfo stat loadavg sys/kernel/random/boot_id sys/fs/file-nr sys/fs/inode-nr sys/fs/dentry-state; do echo "== $f"; cat /proc/$f || echo "LACKS $f"; done
for f in vmstat schedstat cgroups mdstat pressure/cpu pressure/io pressure/memory; do if test -s /proc/$f; then echo "SHOWS $f"; fi; done
sh -c 'echo x > /proc/meminfo' 2>/dev/null && echo "WRITES"
ls -a /job
python3 -c 'import os; print("pages", os.sysconf("SC_NPROCESSORS_ONLN") > 0)'
`
	for name, user := range users(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var boots []string
			for range 2 {
				f := &fake{spec: cellrpc.Spec{Command: script, Limits: cellrpc.Limits{Memory: 300 << 20}}}
				if exit := as(t, user, f); exit.Code != 0 || exit.Reason != "" {
					t.Fatalf("got %+v", exit)
				}
				out := f.stdout()
				has(t, out, "MemTotal:         307200 kB\n", "MemAvailable:     307200 kB\n", "cpu  0 0 0 0", "\nintr 0\n", "0.00 0.00 0.00 1/1 1\n", "pages True")
				hasNot(t, out, "LACKS", "SHOWS", "WRITES", ".machine")
				for _, file := range []string{"meminfo", "loadavg", "sys/kernel/random/boot_id", "sys/fs/dentry-state"} {
					text, err := os.ReadFile("/proc/" + file)
					if first, _, _ := strings.Cut(string(text), "\n"); err != nil || strings.Contains(out, first) {
						t.Errorf("%s is the machine's: %v", file, err)
					}
				}
				_, boot, _ := strings.Cut(out, "boot_id\n")
				boot, _, _ = strings.Cut(boot, "\n")
				boots = append(boots, boot)
			}
			if len(boots[0]) != 36 || boots[0] == boots[1] {
				t.Errorf("two cells: %q", boots)
			}
		})
	}
}

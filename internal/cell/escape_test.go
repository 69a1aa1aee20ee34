package cell_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"hotcell/internal/cell"
	"hotcell/internal/line/cellrpc"
)

// users are the host uids under which what follows must hold: this process's
// own, and another where it may give one.
func users(t *testing.T) map[string]int {
	t.Helper()
	users := map[string]int{"own uid": 0}
	if os.Geteuid() == 0 {
		users["another uid"] = 65533
	}
	return users
}

// as runs a command under a host uid.
func as(t *testing.T, user int, f *fake) cellrpc.Exit {
	t.Helper()
	r := start(t, f, func(c *cell.Config) { c.User = user })
	if err := r.Wait(); err != nil || f.exit == nil {
		t.Fatalf("the cell: %v: %s", err, r.stderr)
	}
	return *f.exit
}

func TestSystemCallsAndNetworks(t *testing.T) {
	t.Parallel()
	abstract := fmt.Sprintf("hotcell-cell-test-%d", os.Getpid())
	l, err := net.Listen("unix", "@"+abstract)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for name, user := range users(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{spec: cellrpc.Spec{Command: "./probe " + probeCommand + " " + abstract, Files: true}, files: probeFolder(t)}
			exit := as(t, user, f)
			if exit.Code != 0 {
				t.Errorf("the probe: %+v: %s", exit, f.log("stderr"))
			}
			has(t, f.stdout(), "probe ended", "ok ptrace", "ok the machine's abstract socket")
			f.mu.Lock()
			told := strings.Join(f.refused, " ")
			f.mu.Unlock()
			has(t, told, "169.254.169.254:80", "10.0.0.1:443", "8.8.8.8:53", "192.168.0.1:22", "[fd00:ec2::254]:80", "[2001:4860:4860::8888]:53")
			for line := range strings.Lines(f.stdout()) {
				if strings.HasPrefix(line, "ESCAPE") {
					t.Error(strings.TrimSpace(line))
				}
			}
		})
	}
}

func TestShellFindsNothing(t *testing.T) {
	t.Parallel()
	secret := t.TempDir() + "/host-file"
	if err := os.WriteFile(secret, []byte("of the machine"), 0o644); err != nil {
		t.Fatal(err)
	}
	// Each line must fail; `try` tells of those that do not.
	script := `
try() { if "$@" >/dev/null 2>&1; then echo "ESCAPE $*"; else echo "ok $*"; fi; }
try cat ` + secret + `
try ls /root
try ls /var
try ls /sys
try ls /boot
try cat /etc/shadow
try cat /etc/ssl/private
try cat /proc/1/environ
try ls /proc/1/fd
try cat /proc/1/cmdline
try cat /proc/1/maps
try ls /proc/1
try test -s /proc/cmdline
try test -s /proc/kallsyms
# What is the machine's is opened and not written: an attempt that works must do no harm.
try sh -c 'exec 9>/proc/sys/kernel/core_pattern'
try sh -c 'exec 9>/proc/sys/net/ipv4/ip_unprivileged_port_start'
try sh -c 'exec 9>/proc/sys/kernel/hostname'
try sh -c 'exec 9>/proc/self/oom_score_adj'
try sh -c 'exec 9>/proc/irq/default_smp_affinity'
try grep -q . /proc/sysrq-trigger
try touch /usr/x
try touch /etc/x
try touch /x
try touch /run/x
try touch /dev/x
try sh -c 'echo x >> /etc/resolv.conf'
try sh -c 'echo x >> /etc/passwd'
try mkdir /usr/bin/x
try mv /etc/hosts /tmp/
try mount -t tmpfs x /tmp
try umount /etc
try unshare -Ur true
try nsenter -t 1 -m true
try su root -c true
try kill -9 1
try kill -TERM 1
try mknod /tmp/d c 1 3
try chown 0 /job
try chroot /tmp /bin/true
echo still here; id -u
grep -E '^(NoNewPrivs|Seccomp|CapEff|CapPrm|CapInh|CapBnd|CapAmb):' /proc/self/status | tr -s '\t' ' '
cp /usr/bin/id /tmp/id; chmod u+s /tmp/id; /tmp/id -u
echo "descriptors:" $(ls /proc/self/fd)
echo "processes:" $(ls /proc | grep -c '^[0-9]*$')
env | sort | cut -d= -f1 | tr '\n' ' '
`
	for name, user := range users(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{spec: cellrpc.Spec{Command: script}}
			if exit := as(t, user, f); exit.Code != 0 || exit.Reason != "" {
				t.Errorf("got %+v", exit)
			}
			out := f.stdout()
			hasNot(t, out, "ESCAPE", "of the machine")
			has(t, out, "still here\n1000\n", "NoNewPrivs: 1", "Seccomp: 2", "CapEff: 0000000000000000", "CapPrm: 0000000000000000",
				"CapInh: 0000000000000000", "CapBnd: 0000000000000000", "CapAmb: 0000000000000000",
				"descriptors: 0 1 2 3\n", // 3 is ls reading the folder
				"HOTCELL HOTCELL_JOB")
			if strings.Count(out, "ok ") < 34 {
				t.Errorf("too few attempts were made:\n%s", out)
			}
		})
	}
}

// A cell that is not confined does not start: without Landlock or a filter the
// stage fails before it reads its orders.
func TestStageAloneIsRefused(t *testing.T) {
	t.Parallel()
	if code := cell.InitMain(); code == 0 {
		t.Error("the init ran outside a cell")
	}
}

package cell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell"
	"hotcell/internal/line/cellrpc"
)

// The files that a cell's /etc is made of.
var etc = map[string]string{
	"passwd": "root:x:0:0:root:/root:/usr/sbin/nologin\njob:x:1000:1000:job:/home/job:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
	"group":  "root:x:0:\njob:x:1000:\nnogroup:x:65534:\n",
	// Names come from the file of hosts and from the init's own answers.
	"nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n",
	"resolv.conf":   "nameserver 127.0.0.1\nsearch .\noptions attempts:2 timeout:5\n",
	"hosts":         "127.0.0.1 localhost cell\n::1 localhost\n",
	"hostname":      "cell\n",
}

// Path is where a command finds the machine's programs.
const Path = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"

// bundle is where programs look for certificates.
const bundle = cellrpc.Bundle

// masked are files of /proc that tell of the machine and that no job needs.
var masked = []string{
	"cmdline", "config.gz", "kallsyms", "kcore", "key-users", "keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags",
	"interrupts", "iomem", "ioports", "latency_stats", "locks", "modules", "pagetypeinfo", "partitions", "diskstats", "sched_debug",
	"slabinfo", "softirqs", "swaps", "sysrq-trigger", "timer_list", "timer_stats", "vmallocinfo", "zoneinfo", "buddyinfo",
	"vmstat", "schedstat", "cgroups", "mdstat", "pressure/cpu", "pressure/io", "pressure/irq", "pressure/memory",
}

// settings are folders of /proc through which the machine is set up: where a
// uid is the machine's root, no namespace keeps it from writing there.
var settings = []string{"sys", "fs", "irq", "bus", "acpi", "driver", "tty", "scsi", "mtrr"}

// furnish makes /etc, the folder and the mounts as the command is to find them.
func (i *initial) furnish(context.Context) error {
	own := i.makeEtc
	if i.confined == images {
		own = i.overImage
	}
	if err := own(); err != nil {
		return fmt.Errorf("furnishing the cell: %w", err)
	}
	if err := closeProc(); err != nil {
		return fmt.Errorf("closing the cell's /proc: %w", err)
	}
	if err := i.hideMachine("/job"); err != nil {
		return fmt.Errorf("hiding the machine: %w", err)
	}
	if err := os.Mkdir("/job/out", 0o755); err != nil {
		return fmt.Errorf("making /job/out: %w", err)
	}
	return nil
}

// makeEtc makes the rest of an /etc that is the cell's own, and closes it.
func (i *initial) makeEtc() error {
	for name, text := range etc {
		if err := os.WriteFile("/etc/"+name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if err := trust(i.spec.CA); err != nil {
		return fmt.Errorf("adding the certificates: %w", err)
	}
	var err error
	if i.java, err = i.trustForJava(bundle, filepath.Dir(bundle)); err != nil {
		return err
	}
	if err := unix.Mount("", "/etc", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return fmt.Errorf("closing /etc: %w", err)
	}
	return nil
}

// closeProc leaves the command of /proc what is about its own processes, to
// read.
func closeProc() error {
	for _, name := range masked {
		err := unix.Mount("/dev/null", "/proc/"+name, "", unix.MS_BIND, "")
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	for _, name := range settings {
		err := unix.Mount("/proc/"+name, "/proc/"+name, "", unix.MS_BIND|unix.MS_REC, "")
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err := errors.Join(err, unix.Mount("", "/proc/"+name, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|flags, "")); err != nil {
			return err
		}
	}
	// The command sees no process but its own: not even that there is an init.
	return unix.Mount("", "/proc", "", unix.MS_REMOUNT|flags, "hidepid=2")
}

// environment is what the command runs with: the cell's own, the assignment's,
// then its secrets. The caller wipes it.
func (i *initial) environment() [][]byte {
	const proxy = "http://127.0.0.1:3128"
	const direct = "localhost,127.0.0.1,::1"
	var env [][]byte
	for _, own := range [][2]string{
		{"PATH", strings.Join(i.path(), ":")},
		{"HOME", "/home/job"}, {"USER", "job"}, {"LOGNAME", "job"}, {"SHELL", "/bin/sh"}, {"TMPDIR", "/tmp"}, {"PWD", "/job"},
		{"LANG", "C.UTF-8"}, {"TERM", "dumb"}, {"HOTCELL", "1"}, {"HOTCELL_JOB", i.spec.Job},
		{"HOTCELL_URL", doorURL}, {"HOTCELL_MCP_URL", doorURL + cellrpc.PathMCP},
		{"HTTPS_PROXY", proxy}, {"https_proxy", proxy}, {"NO_PROXY", direct}, {"no_proxy", direct},
	} {
		if _, set := i.spec.Env[own[0]]; !set || own[0] != "LANG" && own[0] != "TERM" {
			env = append(env, []byte(own[0]+"="+own[1]))
		}
	}
	for _, name := range trusting {
		env = append(env, []byte(name+"="+bundle))
	}
	if i.java != "" {
		env = append(env, []byte("JAVA_TOOL_OPTIONS="+javaOptions(i.java)))
	}
	for name, folder := range caching {
		if i.spec.Cache > 0 && !i.sets(name) {
			env = append(env, []byte(name+"="+cacheFolder+"/"+folder))
		}
	}
	for name, value := range i.spec.Env {
		// A program finds the first of two: an image may set what a secret is called.
		_, reserved := hotcell.ReservedVariable(name)
		if !reserved && !slices.ContainsFunc(i.secrets, func(v variable) bool { return v.name == name }) {
			env = append(env, []byte(name+"="+value))
		}
	}
	for _, s := range i.secrets {
		if s.file != "" {
			continue
		}
		_ = s.value.Use(func(b []byte) error {
			variable := make([]byte, 0, len(s.name)+1+len(b)) // no growing, which would leave copies
			env = append(env, append(append(append(variable, s.name...), '='), b...))
			return nil
		})
	}
	return env
}

// sets says whether the assignment, its image or a secret sets a variable.
func (i *initial) sets(name string) bool {
	_, set := i.spec.Env[name]
	return set || slices.ContainsFunc(i.secrets, func(v variable) bool { return v.name == name })
}

// places finds where a command places its arguments.
var places = regexp.MustCompile(`\$\{?[#!]?[@*#1-9]`)

// shell is the command line of the command. What follows `--` at run are its
// arguments: a command that does not place them gets them at its end.
func (i *initial) shell() [][]byte {
	command := strings.TrimRight(i.spec.Command, " \t\r\n")
	if len(i.spec.Arguments) > 0 && !places.MatchString(command) {
		command += ` "$@"`
	}
	argv := [][]byte{[]byte("/bin/sh"), []byte("-c"), []byte(command), []byte("hotcell")}
	for _, argument := range i.spec.Arguments {
		argv = append(argv, []byte(argument))
	}
	return argv
}

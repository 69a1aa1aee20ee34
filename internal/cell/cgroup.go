package cell

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Cgroups is a place in the machine's control groups where cells get one each:
// version 2 where it has the controllers, else version 1.
type Cgroups struct {
	// bases are the folders, by controller; version 2 has one, "".
	bases map[string]string
	// homes are where this process was before, by controller of version 1.
	homes map[string]string
	v2    bool
}

const cgroupRoot = "/sys/fs/cgroup"

// OpenCgroups makes the place of the given name, or takes it over where it is
// there. It fails where this process may not.
func OpenCgroups(name string) (*Cgroups, error) {
	if base := filepath.Join(cgroupRoot, name); hasControllers(cgroupRoot) {
		if err := os.MkdirAll(base, 0o755); err != nil {
			return nil, fmt.Errorf("making a cgroup: %w", err)
		}
		c := &Cgroups{bases: map[string]string{"": base}, v2: true}
		return c, c.weigh(base)
	}
	c := &Cgroups{bases: map[string]string{}, homes: homes()}
	for _, controller := range []string{"memory", "pids"} {
		base := filepath.Join(cgroupRoot, controller, name)
		if err := os.MkdirAll(base, 0o755); err != nil {
			c.Close()
			return nil, fmt.Errorf("making a cgroup: %w", err)
		}
		c.bases[controller] = base
	}
	// Cells have equal shares among each other, and together less than the server:
	// one that computes all day does not keep the vault from answering.
	base := filepath.Join(cgroupRoot, "cpu", name)
	if err := os.MkdirAll(base, 0o755); err == nil {
		err := c.write(base, "cpu.shares", cellsShares)
		now, _ := os.ReadFile(filepath.Join(base, "cpu.shares")) // whoever made the place may have set it
		if err == nil || strings.TrimSpace(string(now)) == cellsShares {
			c.bases["cpu"] = base
		} else {
			removeGroup(base)
		}
	}
	return c, nil
}

// cellsWeight is the share of the processor that all cells together have beside
// the server's own parts, each of which has the kernel's default: cpu.shares of
// version 1 (1024 is the default), cpu.weight of version 2 (100 is the default).
const (
	cellsShares = "256"
	cellsWeight = "25"
)

// What a young cell has beside others, and later: eight times the kernel's default,
// and the default.
const (
	youngShares, sharesOfAll = "8192", "1024"
	youngWeight, weightOfAll = "800", "100"
)

// weigh has version 2 bound memory and processes of the groups in base and, where
// the machine lets it, share the processor between them by weight.
func (c *Cgroups) weigh(base string) error {
	if err := c.write(base, "cgroup.subtree_control", "+memory +pids"); err != nil {
		return err
	}
	if c.write(base, "cgroup.subtree_control", "+cpu") == nil {
		_ = c.write(base, "cpu.weight", cellsWeight)
	}
	return nil
}

func hasControllers(root string) bool {
	b, err := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
	return err == nil && strings.Contains(string(b), "memory") && strings.Contains(string(b), "pids")
}

// Give hands the place to another uid, which may make cgroups in it then.
func (c *Cgroups) Give(uid int) error {
	for _, base := range c.bases {
		for _, name := range []string{".", "tasks", "cgroup.procs", "cgroup.subtree_control"} {
			if err := os.Chown(filepath.Join(base, name), uid, uid); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("handing over a cgroup: %w", err)
			}
		}
	}
	return nil
}

// String says which version it is.
func (c *Cgroups) String() string {
	if c.v2 {
		return "version 2, memory and processes"
	}
	return "version 1, memory and processes"
}

// Close removes the place; cgroups of cells must be gone.
func (c *Cgroups) Close() {
	for _, base := range c.bases {
		removeGroup(base)
	}
}

// RemoveCgroups removes a place that a server which was killed left behind, with
// the cgroups of cells in it. Whatever still runs in one keeps it: it returns
// whether all is gone.
func RemoveCgroups(name string) bool {
	if name != filepath.Base(name) || name == "." || name == ".." {
		return true
	}
	gone := true
	for _, base := range []string{filepath.Join(cgroupRoot, name), filepath.Join(cgroupRoot, "memory", name), filepath.Join(cgroupRoot, "pids", name), filepath.Join(cgroupRoot, "cpu", name)} {
		cells, _ := filepath.Glob(filepath.Join(base, "job_*"))
		for _, dir := range append(cells, base) {
			if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
				gone = false
			}
		}
	}
	return gone
}

// Cgroup is one cell's.
type Cgroup struct {
	parent *Cgroups
	dirs   map[string]string
}

// New makes a cell's cgroup with its limits: memory in bytes, and how many
// processes and threads. Those of bwrap, the init and its stage count too: about
// 30.
func (c *Cgroups) New(name string, memory int64, pids int) (*Cgroup, error) {
	g := &Cgroup{parent: c, dirs: map[string]string{}}
	for controller, base := range c.bases {
		dir := filepath.Join(base, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			g.Remove()
			return nil, fmt.Errorf("making a cell's cgroup: %w", err)
		}
		g.dirs[controller] = dir
	}
	limits := [][3]string{
		{"memory", "memory.limit_in_bytes", strconv.FormatInt(memory, 10)},
		{"pids", "pids.max", strconv.Itoa(pids)},
	}
	if c.v2 {
		limits = [][3]string{
			{"", "memory.max", strconv.FormatInt(memory, 10)}, {"", "memory.swap.max", "0"}, {"", "pids.max", strconv.Itoa(pids)},
		}
	}
	for _, l := range limits {
		if err := c.write(g.dirs[l[0]], l[1], l[2]); err != nil {
			g.Remove()
			return nil, err
		}
	}
	g.weigh(youngShares, youngWeight)
	return g, nil
}

// cpuPeriod is the time, in microseconds, within which a cell has its part of the
// processors: the kernel's default (cgroup-v2, "CPU Interface Files").
const cpuPeriod = 100_000

// Processors bounds how many processors the cell keeps busy: 0.5 is half of one. It
// fails where the machine's groups do not count their time.
func (g *Cgroup) Processors(n float64) error {
	quota := strconv.FormatInt(int64(n*cpuPeriod), 10)
	if g.parent.v2 {
		return g.parent.write(g.dirs[""], "cpu.max", quota+" "+strconv.Itoa(cpuPeriod))
	}
	dir, ok := g.dirs["cpu"]
	if !ok {
		return errors.New("this machine's cgroups do not bound the time of processors")
	}
	return errors.Join(g.parent.write(dir, "cpu.cfs_period_us", strconv.Itoa(cpuPeriod)), g.parent.write(dir, "cpu.cfs_quota_us", quota))
}

// Settle ends the youth of a cell: it has no more of the processors than others.
func (g *Cgroup) Settle() { g.weigh(sharesOfAll, weightOfAll) }

// weigh gives a cell its part of what cells have of the processors, where the machine
// shares them out at all.
func (g *Cgroup) weigh(shares, weight string) {
	if dir, ok := g.dirs["cpu"]; ok {
		_ = g.parent.write(dir, "cpu.shares", shares)
	} else if g.parent.v2 {
		_ = g.parent.write(g.dirs[""], "cpu.weight", weight)
	}
}

func (c *Cgroups) write(dir, file, value string) error {
	if err := os.WriteFile(filepath.Join(dir, file), []byte(value), 0o644); err != nil {
		return fmt.Errorf("setting a cgroup's %s: %w", file, err)
	}
	return nil
}

// start starts cmd inside the cgroup: it is never outside, so nothing of it can be.
func (g *Cgroup) start(cmd *exec.Cmd) error {
	if g.parent.v2 {
		dir, err := os.Open(g.dirs[""])
		if err != nil {
			return err
		}
		defer func() { _ = dir.Close() }()
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(dir.Fd())
		return cmd.Start()
	}
	// Version 1 moves single threads: a child is born where its thread is.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread := strconv.Itoa(unix.Gettid())
	defer g.parent.home(thread)
	for _, dir := range g.dirs {
		if err := g.parent.write(dir, "tasks", thread); err != nil {
			return err
		}
	}
	return cmd.Start()
}

// home brings a thread back to where it was, or out of the cell's group at
// least: who may make groups here need not have rights there.
func (c *Cgroups) home(thread string) {
	for controller, base := range c.bases {
		if before, known := c.homes[controller]; !known || c.write(before, "tasks", thread) != nil {
			_ = c.write(base, "tasks", thread)
		}
	}
}

// homes reads where this process is (cgroups(7), /proc/pid/cgroup).
func homes() map[string]string {
	homes := map[string]string{}
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return homes
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			homes[controller] = filepath.Join(cgroupRoot, controller, parts[2])
		}
	}
	return homes
}

// OutOfMemory says whether the memory limit killed a process.
func (g *Cgroup) OutOfMemory() bool {
	if g.parent.v2 {
		return g.counted("", "memory.events", "oom_kill")
	}
	return g.counted("memory", "memory.oom_control", "oom_kill")
}

// OutOfProcesses says whether the limit on processes and threads kept one from being
// made (pids.events of cgroups, both versions).
func (g *Cgroup) OutOfProcesses() bool {
	if g.parent.v2 {
		return g.counted("", "pids.events", "max")
	}
	return g.counted("pids", "pids.events", "max")
}

// counted says whether a controller's file counts any of what is named.
func (g *Cgroup) counted(controller, file, what string) bool {
	b, err := os.ReadFile(filepath.Join(g.dirs[controller], file))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if name, count, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == what && count != "0" {
			return true
		}
	}
	return false
}

// Remove removes the cgroup; the cell must have ended.
func (g *Cgroup) Remove() {
	for _, dir := range g.dirs {
		removeGroup(dir)
	}
}

// removeGroup removes a group. The kernel lets go of the dead, and of groups
// within, a moment after they were waited for.
func removeGroup(dir string) {
	const tries = 10
	for try := range tries {
		if err := os.Remove(dir); err == nil || errors.Is(err, os.ErrNotExist) {
			return
		}
		time.Sleep(time.Duration(try+1) * time.Millisecond) //nolint:forbidigo // the kernel does not tell when it has let go
	}
}

package test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// kind is which of Chromium's processes it is; empty is the main one.
func (p process) kind() string {
	for _, a := range p.words {
		if kind, ok := strings.CutPrefix(a, "--type="); ok {
			return kind
		}
	}
	return ""
}

func (p process) namespace(name string) string {
	to, _ := os.Readlink("/proc/" + strconv.Itoa(p.pid) + "/ns/" + name)
	return to
}

func (p process) number(key string) int {
	n, _ := strconv.Atoi(p.status[key])
	return n
}

// listening are the ports on which a process itself listens.
func (p process) listening(t *testing.T) (ports []string) {
	t.Helper()
	base := "/proc/" + strconv.Itoa(p.pid)
	var own []string
	fds, _ := filepath.Glob(base + "/fd/*")
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:[") {
			own = append(own, strings.Trim(to, "socket:[]"))
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		text, _ := os.ReadFile(base + "/net/" + table)
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 9 && f[3] == "0A" && slices.Contains(own, f[9]) {
				ports = append(ports, f[1])
			}
		}
	}
	return ports
}

// TestTheBrowserOfAJobIsConfinedTwice looks at the browser as it is really started:
// Chromium's own sandbox is on within the cell, and nobody can drive it by a port.
func TestTheBrowserOfAJobIsConfinedTwice(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	if text, ok := d.call("browser_navigate", "url", d.Base("portal")+"/login"); !ok {
		t.Fatal(text)
	}
	var browser *process
	var renderers []process
	for _, p := range below(running(t), d.PID()) {
		if len(p.words) == 0 || !strings.Contains(p.words[0], "chromium") {
			continue
		}
		if ports := p.listening(t); len(ports) > 0 {
			t.Errorf("%q listens on %v", p.words, ports)
		}
		switch p.kind() {
		case "":
			browser = &p
		case "renderer":
			renderers = append(renderers, p)
		}
	}
	if browser == nil || len(renderers) == 0 {
		t.Fatalf("there is no browser, or %d renderers", len(renderers))
	}
	for _, a := range browser.words {
		if strings.Contains(a, "no-sandbox") || strings.Contains(a, "remote-debugging-port") || strings.Contains(a, "remote-debugging-address") {
			t.Errorf("it is started with %s", a)
		}
	}
	if browser.number("Seccomp") != 2 || browser.status["CapEff"] != "0000000000000000" || browser.status["NoNewPrivs"] != "1" || browser.uid == 0 {
		t.Errorf("the browser's status is %v", browser.status)
	}
	if limits, err := os.ReadFile("/proc/" + strconv.Itoa(browser.pid) + "/limits"); err != nil || !strings.Contains(strings.Join(strings.Fields(string(limits)), " "), "Max data size 2147483648 2147483648") {
		t.Errorf("its limits are %s, %v", limits, err)
	}
	for _, r := range renderers {
		if r.number("Seccomp_filters") <= browser.number("Seccomp_filters") {
			t.Errorf("a renderer is behind %d filters, the browser behind %d: Chromium's own is not on", r.number("Seccomp_filters"), browser.number("Seccomp_filters"))
		}
		for _, name := range []string{"user", "pid", "net"} {
			if r.namespace(name) == browser.namespace(name) {
				t.Errorf("a renderer is in the browser's own %s namespace", name)
			}
		}
	}
}

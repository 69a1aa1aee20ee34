package cell

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/socketpair"
)

// Check implements [Driver].
func (b *Bubblewrap) Check(ctx context.Context) []Precondition {
	list := []Precondition{checkBwrap(ctx), checkLandlock(), checkSeccomp(), checkCgroup()}
	if !list[0].Met {
		return list // without it there is no cell to be tried
	}
	return append(list, b.checkCell(ctx))
}

func checkBwrap(ctx context.Context) Precondition {
	p := Precondition{Name: "bubblewrap", Needed: true}
	out, err := exec.CommandContext(ctx, "bwrap", "--version").Output()
	if err != nil {
		p.Detail = errNoBubblewrap.Error()
		return p
	}
	p.Met, p.Detail = true, strings.TrimSpace(string(out))
	return p
}

func checkLandlock() Precondition {
	p := Precondition{Name: "landlock", Needed: true}
	version, err := landlockVersion()
	if err != nil {
		p.Detail = "the kernel has no Landlock: Linux 5.13 or later, started with landlock in lsm=, is needed"
		return p
	}
	p.Met, p.Detail = true, fmt.Sprintf("ABI %d", version)
	if version < 6 {
		p.Detail += ": signals within a cell are not held apart, which Linux 6.12 does"
	}
	return p
}

func checkSeccomp() Precondition {
	p := Precondition{Name: "seccomp", Needed: true, Detail: "filters of system calls work"}
	if err := unix.Prctl(unix.PR_GET_SECCOMP, 0, 0, 0, 0); err != nil {
		p.Detail = "the kernel has no seccomp filters: CONFIG_SECCOMP_FILTER is needed"
		return p
	}
	p.Met = true
	return p
}

func checkCgroup() Precondition {
	p := Precondition{Name: "cgroup", Detail: "none can be made here: memory and processes are bounded by rlimits for each process, not for a job as a whole; run as root, or with a delegated cgroup"}
	if h, err := OpenCgroups("hotcell-check-" + strconv.Itoa(os.Getpid())); err == nil {
		p.Met, p.Detail = true, h.String()
		h.Close()
	}
	return p
}

// checkCell makes a cell that does all that one does for a job, and runs `true`.
func (b *Bubblewrap) checkCell(ctx context.Context) Precondition {
	p := Precondition{Name: "cell", Needed: true}
	exit, said, err := b.probe(ctx)
	switch {
	case err != nil:
		p.Detail = fmt.Sprintf("a cell does not start: %v %s: unprivileged user namespaces are needed (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces above 2)", err, said)
	case exit.Code != 0 || exit.Reason != "":
		p.Detail = fmt.Sprintf("a command does not run in a cell: %s", exit.Reason)
	default:
		p.Met, p.Detail = true, "user, process, mount, network, IPC and host-name namespaces, seccomp and Landlock hold a command"
	}
	return p
}

// probeTime is how long the cell that Check makes may take.
const probeTime = 20 * time.Second

func (b *Bubblewrap) probe(ctx context.Context) (exit cellrpc.Exit, said string, err error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	dial, listen, err := socketpair.Pair()
	if err != nil {
		return exit, "", err
	}
	defer func() { _ = listen.Close() }()
	var stderr bytes.Buffer
	process, err := b.Start(ctx, Config{Gateway: dial, Disk: 1 << 20, Stderr: &stderr})
	_ = dial.Close()
	if err != nil {
		return exit, "", err
	}
	l, err := socketpair.NewListener(listen)
	if err != nil {
		process.Kill()
		return exit, "", err
	}
	served := make(chan struct{})
	server := &http.Server{Handler: probeGateway(&exit), ReadHeaderTimeout: probeTime}
	border.Go("the probe of a cell", border.Silent, func() { defer close(served); _ = server.Serve(l) })
	err = process.Wait()
	_ = server.Shutdown(ctx)
	<-served
	return exit, strings.TrimSpace(stderr.String()), err
}

// probeGateway is a gateway that asks for `true`, and notes how that ended.
func probeGateway(exit *cellrpc.Exit) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+cellrpc.PathSpec, func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(cellrpc.Spec{Job: "probe", Command: "true"})
	})
	mux.HandleFunc("POST "+cellrpc.PathExit, func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewDecoder(r.Body).Decode(exit)
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

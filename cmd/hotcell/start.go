package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"syscall"

	"hotcell/internal/cell"
	"hotcell/internal/child"
	"hotcell/internal/socketpair"
)

// startParts makes the lines and starts the vault and the worker on them.
func (h *house) startParts(ctx context.Context) error {
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	var ends [3]struct{ dial, listen *os.File }
	for i := range ends {
		if ends[i].dial, ends[i].listen, err = socketpair.Pair(); err != nil {
			return err
		}
	}
	bundle, err := writeBundle(h.runtime, h.config.Egress.ExtraCA)
	if err != nil {
		return err
	}
	catalog, err := writeCatalog(h.runtime, h.config.Connectors)
	if err != nil {
		return err
	}
	people, jobs, runs := ends[0], ends[1], ends[2]
	if h.toVault, err = socketpair.NewDialer(people.dial); err != nil {
		return err
	}
	if h.toWorker, err = socketpair.NewDialer(runs.dial); err != nil {
		return err
	}
	if h.vault, err = h.startVault(ctx, binary, bundle, catalog, people.listen, jobs.listen); err != nil {
		return err
	}
	h.worker, err = h.startWorker(ctx, binary, bundle, jobs.dial, runs.listen)
	return err
}

func (h *house) startVault(ctx context.Context, binary, bundle, catalog string, lines ...*os.File) (*child.Child, error) {
	order := vaultOrder{Folder: h.path("vault"), Key: h.keyPath(), Owner: ownerName(), Bundle: bundle, Catalog: catalog, Egress: h.config.Egress, Vault: h.config.Vault,
		Budget: h.config.Budget, AuditDays: h.config.Keep.AuditDays}
	var attr *syscall.SysProcAttr
	if h.separate {
		order.UID, attr = child.VaultUID, child.VaultAttr()
	}
	return h.start(ctx, "vault", binary, vaultCommand, order, attr, lines, forgetful...)
}

func (h *house) startWorker(ctx context.Context, binary, bundle string, lines ...*os.File) (*child.Child, error) {
	reachable, err := cell.Reachable(binary, h.runtime)
	if err != nil {
		return nil, err
	}
	order := workerOrder{Folder: filepath.Join(h.runtime, "worker"), Binary: reachable, Bundle: bundle, Egress: h.config.Egress, Models: h.config.Models, Budget: h.config.Budget}
	name := cgroupName()
	if h.cgroups, err = cell.OpenCgroups(name); err == nil {
		order.Cgroup = name
	} else {
		h.log.Warn("jobs get no cgroup: memory and processes are bounded for each process only", "reason", err)
		h.cgroups = nil
	}
	var attr *syscall.SysProcAttr
	if h.separate {
		order.Users, attr = child.JobUIDs, child.WorkerAttr()
		if h.cgroups != nil {
			if err := h.cgroups.Give(child.WorkerUID); err != nil {
				return nil, err
			}
		}
	}
	return h.start(ctx, "worker", reachable, workerCommand, order, attr, lines, forgetful...)
}

// forgetful has a process write over what its collector frees: a value that was
// on its way through a library's buffers is gone with them.
var forgetful = []string{"GODEBUG=clobberfree=1"}

func (h *house) start(ctx context.Context, name, binary, command string, order any, attr *syscall.SysProcAttr, lines []*os.File, env ...string) (*child.Child, error) {
	text, err := json.Marshal(order)
	if err != nil {
		return nil, err
	}
	return child.Start(context.WithoutCancel(ctx), child.Spec{
		Name: name, Binary: binary, Arguments: []string{command, string(text)}, Lines: lines, Attr: attr, Env: env, Stderr: h.stderr, Log: h.log,
	})
}

// ownerName is how the first member is called: as the system calls whoever
// started the server.
func ownerName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "owner"
}

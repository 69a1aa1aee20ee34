//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"syscall"

	"hotcell/internal/cell"
	"hotcell/internal/config"
	"hotcell/internal/control/server"
	"hotcell/internal/line/border"
	"hotcell/internal/line/child"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/value/tidy"
	"hotcell/internal/worker/image"
	"hotcell/internal/worker/toolchain"
)

// startParts makes the lines and starts the parser, the vault and the worker on them.
func (h *house) startParts(ctx context.Context) error {
	// What runs now, whatever stands under its name by the time a part is started again.
	program, err := cell.OpenProgram()
	if err != nil {
		return err
	}
	var ends [5]struct{ dial, listen *os.File }
	for i := range ends {
		if ends[i].dial, ends[i].listen, err = socketpair.Pair(); err != nil {
			return err
		}
	}
	bundle, err := openBundle(h.config.Egress.ExtraCA)
	if err != nil {
		return err
	}
	catalog, err := openCatalog(h.config.Connectors)
	if err != nil {
		return err
	}
	variables, err := openVariables(h.words, keyURL(h.config, h.data))
	if err != nil {
		return err
	}
	people, jobs, runs, texts, owners := ends[0], ends[1], ends[2], ends[3], ends[4]
	if h.toVault, err = socketpair.NewDialer(people.dial); err != nil {
		return err
	}
	if h.toWorker, err = socketpair.NewDialer(runs.dial); err != nil {
		return err
	}
	if h.owners, err = socketpair.NewListener(owners.listen); err != nil {
		return err
	}
	if h.socket, err = server.Bind(h.path("hotcell.sock")); err != nil {
		return err
	}
	socket, err := h.socket.File()
	if err != nil {
		return fmt.Errorf("opening the socket in the data folder: %w", err)
	}
	if h.parser, err = h.startParser(ctx, program, texts.listen); err != nil {
		return err
	}
	if h.vault, err = h.startVault(ctx, program, inherited{bundle, catalog, variables}, people.listen, jobs.listen, texts.dial, socket, owners.dial); err != nil {
		return err
	}
	h.worker, err = h.startWorker(ctx, program, inherited{bundle, h.room, h.caches}, jobs.dial, runs.listen)
	return err
}

// inherited are files that a part has by descriptors, after its lines.
type inherited []*os.File

func (h *house) startVault(ctx context.Context, program *os.File, files inherited, lines ...*os.File) (*child.Child, error) {
	order := vaultOrder{
		Folder: h.path("vault"), Key: keyURL(h.config, h.data), Warm: h.config.KeyWarm, Owner: ownerName(), OwnerUID: os.Geteuid(), Egress: h.config.Egress, Vault: h.config.Vault, Models: h.config.Models,
		Budget: h.config.Budget, AuditDays: h.config.Keep.AuditDays, RotateDays: h.config.Keys.RotateDays, Recipients: h.config.Backup.Recipients,
		Bundle: child.Inherited(len(lines)), Catalog: child.Inherited(len(lines) + 1), Variables: child.Inherited(len(lines) + 2),
	}
	var attr *syscall.SysProcAttr
	if h.separate {
		order.UID, attr = child.VaultUID, child.VaultAttr()
	}
	return h.start(ctx, "vault", program, vaultCommand, order, attr, append(lines, files...), tidy.Forgetful)
}

func (h *house) startParser(ctx context.Context, program *os.File, line *os.File) (*child.Child, error) {
	var attr *syscall.SysProcAttr
	if h.separate {
		attr = child.ParserAttr()
	}
	return h.start(ctx, "parser", program, parserCommand, struct{}{}, attr, []*os.File{line})
}

func (h *house) startWorker(ctx context.Context, program *os.File, files inherited, lines ...*os.File) (*child.Child, error) {
	var err error
	order := workerOrder{Bundle: child.Inherited(len(lines)), Folder: child.Inherited(len(lines) + 1), Egress: h.config.Egress, Models: h.config.Models, Budget: h.config.Budget}
	order.Caches, order.MostCached = child.Inherited(len(lines)+2), int64(h.config.Cells.Caches)
	for _, text := range h.config.Cells.Mounts {
		m, _ := config.ParseMount(text)
		order.Mounts = append(order.Mounts, cell.Mount(m))
	}
	tools := toolchain.Store{Folder: toolchains(h.config, h.data)}
	if err := tools.Check(); err != nil {
		h.log.Warn("cells get no toolchains", "reason", err)
	} else {
		order.Toolchains = tools.Folder
	}
	roots := image.Store{Folder: images(h.config, h.data)}
	if err := roots.Check(); err != nil {
		h.log.Warn("cells get no images", "reason", err)
	} else {
		order.Images = roots.Folder
		border.Go("sweeping images", border.Log(h.log), roots.Sweep)
	}
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
	return h.start(ctx, "worker", program, workerCommand, order, attr, append(lines, files...), tidy.Forgetful)
}

func (h *house) start(ctx context.Context, name string, program *os.File, command string, order any, attr *syscall.SysProcAttr, lines []*os.File, env ...string) (*child.Child, error) {
	text, err := json.Marshal(order)
	if err != nil {
		return nil, err
	}
	return child.Start(context.WithoutCancel(ctx), child.Spec{
		Name: name, Program: program, Arguments: []string{command, string(text)}, Lines: lines, Attr: attr, Env: env, Stderr: h.stderr, Log: h.log,
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

package cell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	"golang.org/x/sys/unix"

	"hotcell/internal/cellrpc"
	"hotcell/internal/guard"
	"hotcell/internal/parcel"
	"hotcell/internal/sensitive"
	"hotcell/internal/vaultrpc"
)

// initial is the init of one cell: process 1, which nothing inside can look into.
type initial struct {
	gateway *gateway
	spec    cellrpc.Spec
	secrets []variable
	guard   *guard.Patterns
}

// variable is one of the job's secrets, open.
type variable struct {
	credential, name string
	value            sensitive.Bytes
}

// InitMain is process 1 of a cell. It returns the exit code of the process; its
// end is the end of everything in the cell.
func InitMain() int {
	if err := initMain(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "hotcell: cell:", err)
		return 1
	}
	return 0
}

func initMain(ctx context.Context) error {
	if os.Getpid() != 1 {
		return errors.New("this is the init of a cell, and runs as its process 1 only")
	}
	if err := closeOff(); err != nil {
		return err
	}
	g, err := openGateway()
	if err != nil {
		return err
	}
	i := &initial{gateway: g}
	if err := g.get(ctx, cellrpc.PathSpec, &i.spec); err != nil {
		return fmt.Errorf("asking what to do: %w", err)
	}
	exit := i.live(ctx)
	return g.post(ctx, cellrpc.PathExit, exit, nil)
}

// closeOff makes this process invisible and its descriptors its own.
func closeOff() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("closing the init to tracing: %w", err)
	}
	for _, fd := range []int{fdGateway, fdLife} {
		unix.CloseOnExec(fd)
	}
	// Whatever else was inherited is nobody's business here.
	if err := unix.CloseRange(fdLife+1, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("closing inherited descriptors: %w", err)
	}
	return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
}

// live takes the job from its first preparation to its end.
func (i *initial) live(ctx context.Context) cellrpc.Exit {
	for _, step := range []func(context.Context) error{i.furnish, i.network, i.lease, i.unpack} {
		if err := step(ctx); err != nil {
			return cellrpc.Exit{Code: -1, Reason: err.Error()}
		}
	}
	exit := i.run(ctx)
	for _, v := range i.secrets {
		v.value.Clear()
	}
	return exit
}

// lease asks for the job's secrets, once, sealed to a key that lives only here.
func (i *initial) lease(ctx context.Context) error {
	pair, err := parcel.Generate()
	if err != nil {
		return err
	}
	var answer cellrpc.LeaseAnswer
	if err := i.gateway.post(ctx, cellrpc.PathLease, cellrpc.LeaseRequest{PublicKey: pair.Public().Bytes()}, &answer); err != nil {
		return fmt.Errorf("asking for the job's secrets: %w", err)
	}
	builder := guard.NewBuilder()
	if len(answer.Message) > 0 {
		plain, err := pair.OpenInfo(vaultrpc.LeaseInfo(vaultrpcJob(i.spec.Job)), answer.Message)
		if err != nil {
			return errors.New("opening the job's secrets: they were not sealed for this job and cell")
		}
		defer plain.Clear()
		if err := plain.Use(i.take); err != nil {
			return errors.New("opening the job's secrets: they are damaged")
		}
	}
	for _, v := range i.secrets {
		// A value that cannot be guarded was told of when it was saved.
		_ = v.value.Use(func(b []byte) error { return builder.Add(v.credential, b) })
	}
	i.guard = builder.Build()
	return nil
}

// take reads the lease. The JSON decoder's copies are wiped here.
func (i *initial) take(plain []byte) error {
	var lease []vaultrpc.LeasedSecret
	if err := json.Unmarshal(plain, &lease); err != nil {
		return err
	}
	for _, secret := range lease {
		for _, v := range secret.Variables {
			i.secrets = append(i.secrets, variable{secret.Credential, v.Name, sensitive.New(v.Value)})
		}
	}
	return nil
}

// unpack brings the assignment's folder to /job.
func (i *initial) unpack(ctx context.Context) error {
	if err := os.Mkdir("/job/out", 0o755); err != nil {
		return fmt.Errorf("making /job/out: %w", err)
	}
	if !i.spec.Files {
		return nil
	}
	answer, err := i.gateway.do(ctx, http.MethodGet, cellrpc.PathFiles, nil)
	if err != nil {
		return fmt.Errorf("fetching the assignment's files: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if err := Unpack(answer.Body, "/job"); err != nil {
		return fmt.Errorf("unpacking the assignment's files: %w", err)
	}
	return nil
}

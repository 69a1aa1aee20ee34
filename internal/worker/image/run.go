package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"hotcell"
)

// Unpacker fills folders with images, each by a process of its own that is confined: it
// sees the folder and nothing else, has no network, and can make neither devices nor
// programs that would run as another user.
type Unpacker struct {
	// Program is this program, to be executed by the descriptor.
	Program *os.File
	// User is the uid that it runs as and that owns what it makes; 0 for our own.
	User int
}

// unpack fills a folder, which must be empty, and says what came of it.
func (u Unpacker) unpack(ctx context.Context, folder string, c Content, b Budget) (out report, err error) {
	if u.User != 0 {
		if err := os.Chown(folder, u.User, u.User); err != nil {
			return out, fmt.Errorf("giving the tree away: %w", err)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd, err := u.command(ctx, folder)
	if err != nil {
		return out, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return out, err
	}
	said, told := &head{most: maxReport}, &head{most: 2048}
	cmd.Stdout, cmd.Stderr = said, told
	if err := cmd.Start(); err != nil {
		return out, fmt.Errorf("starting to unpack: %w", err)
	}
	sent := send(ctx, in, c, b)
	if errors.Is(sent, errSource) {
		cancel() // the process would wait for the rest
	}
	ended := cmd.Wait()
	return judged(said.Bytes(), sent, ended, told.String())
}

// judged is what came of it, by what the process said and how it ended.
func judged(said []byte, sent, ended error, told string) (out report, err error) {
	exit, _ := errors.AsType[*exec.ExitError](ended)
	switch {
	case errors.Is(sent, errSource):
		return out, sent
	case exit != nil && exit.ExitCode() == exitOpen:
		return out, fmt.Errorf("%w: a process that unpacks images cannot be confined on this machine, so none is unpacked", hotcell.ErrDenied)
	case ended != nil:
		return out, fmt.Errorf("%w: unpacking the image took more memory or time than it may, or could not begin: %w: %s", hotcell.ErrInvalid, ended, strings.TrimSpace(told))
	}
	if err := json.Unmarshal(said, &out); err != nil {
		return out, fmt.Errorf("unpacking the image: its process ended without a word: %w", err)
	}
	switch {
	case out.Refused != "":
		kind := hotcell.ErrInvalid
		text, tampered := strings.CutPrefix(out.Refused, hotcell.ErrTampered.Error()+": ")
		if tampered {
			kind = hotcell.ErrTampered
		}
		return out, fmt.Errorf("%w: %s", kind, strings.TrimPrefix(text, hotcell.ErrInvalid.Error()+": "))
	case out.Fault != "":
		return out, fmt.Errorf("unpacking the image: %s", out.Fault)
	}
	return out, sent
}

// waitDelay is how long is waited for the last words of a process that was ended.
const waitDelay = 5 * time.Second

// command is the confined process.
func (u Unpacker) command(ctx context.Context, folder string) (*exec.Cmd, error) {
	path, err := exec.LookPath("bwrap")
	if err != nil {
		return nil, errors.New("bubblewrap is missing: apt-get install bubblewrap")
	}
	cmd := exec.CommandContext(ctx, path, "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
		"--as-pid-1", "--die-with-parent", "--new-session", "--hostname", "cell", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL", "--clearenv",
		"--proc", "/proc", "--bind", folder, inside, "--remount-ro", "/", "--chdir", "/", "--", "/proc/self/fd/3", UnpackCommand)
	cmd.Env, cmd.Dir, cmd.WaitDelay = []string{}, "/", waitDelay
	cmd.ExtraFiles = []*os.File{u.Program}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if u.User != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(u.User), Gid: uint32(u.User)}
	}
	return cmd, nil
}

// send tells the process what to do, and gives it the layers.
func send(ctx context.Context, to io.WriteCloser, c Content, b Budget) (err error) {
	defer func() { err = errors.Join(err, to.Close()) }()
	o := order{Budget: b}
	for _, l := range c.Layers {
		o.Layers = append(o.Layers, l.Plain)
	}
	line, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if len(line) >= maxOrder {
		return fmt.Errorf("%w: the image has too many layers", errSource)
	}
	if _, err := to.Write(append(line, '\n')); err != nil {
		return err
	}
	for _, l := range c.Layers {
		if err := sendOne(ctx, to, l); err != nil {
			return err
		}
	}
	return nil
}

func sendOne(ctx context.Context, to io.Writer, l Layer) error {
	from, err := l.Open(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errSource, err)
	}
	defer func() { _ = from.Close() }()
	return sendLayer(to, from)
}

// head keeps the beginning of what is written, and takes the rest.
type head struct {
	bytes.Buffer

	most int
}

func (h *head) Write(b []byte) (int, error) {
	_, err := h.Buffer.Write(b[:min(len(b), h.most-h.Len())])
	return len(b), err
}

// Size is what a tree holds.
type Size struct {
	// Bytes are those of its files, and Files is how many entries there are.
	Bytes int64 `json:"bytes"`
	Files int   `json:"files"`
}

// inspect looks at a tree as it lies there: whoever unpacked it is not believed. It has
// folders, plain files and links, nobody but their owner can write to one, and none would
// run as another user.
func inspect(folder string) (s Size, err error) {
	seen := map[uint64]bool{}
	return s, filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		mode := info.Mode()
		switch mode.Type() {
		case 0, fs.ModeDir, fs.ModeSymlink:
		default:
			return fmt.Errorf("%w: the tree has %s, which is neither a file nor a folder nor a link", hotcell.ErrTampered, filepath.Base(path))
		}
		if mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 || mode.Type() != fs.ModeSymlink && mode.Perm()&0o022 != 0 {
			return fmt.Errorf("%w: the tree has %s, whose mode is %s", hotcell.ErrTampered, filepath.Base(path), mode)
		}
		s.Files++
		if st, ok := info.Sys().(*syscall.Stat_t); ok && mode.IsRegular() && !seen[st.Ino] {
			if st.Nlink > 1 {
				seen[st.Ino] = true
			}
			s.Bytes += info.Size()
		}
		return nil
	})
}

package apitest

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/control/job"
	"hotcell/internal/line/cellrpc"
)

// jobs is the world as what makes and runs jobs. A command is not run: it is
// read as lines, each one of
//
//	out TEXT, err TEXT     a line of the job's log
//	arguments              the arguments, a line each
//	leave NAME TEXT        a file in /job/out
//	wait                   until the job is cancelled
//	stuck                  until the test ends
//	ask HOST               until a person has decided on it
//	refuse HOST REASON     a refusal in the audit log
//	exit N                 the end, with this code
//	become STATE REASON    the end, in a state such as lost
type jobs World

func (w *jobs) Create(_ context.Context, p hotcell.Principal, d job.Draft) (job.Made, error) {
	leave, err := (*vault)(w).enter()
	if err != nil {
		return job.Made{}, err
	}
	defer leave()
	a, err := (*vault)(w).assignment(d.Assignment, 0)
	if err != nil {
		return job.Made{}, err
	}
	for _, text := range d.Arguments {
		if strings.ContainsRune(text, 0) {
			return job.Made{}, hotcell.Invalid("/arguments", "an argument has no NUL byte")
		}
	}
	made := job.Made{Job: hotcell.Job{
		ID: hotcell.JobID(hotcell.NewID(hotcell.PrefixJob)), Workspace: w.workspace.ID, Assignment: a.ID, Name: a.Name, Owner: p.Member, Work: a.Work,
		Arguments: d.Arguments, State: hotcell.JobQueued, CreatedAt: (*World)(w).tick(), External: d.External > 0,
	}}
	w.jobs = append(w.jobs, made.Job)
	(*World)(w).record("job.create", a.Name, made.ID)
	if made.External {
		made.Token = hotcell.NewToken(made.ID)
		made.Work.Command = "wait"
	}
	w.running.Go(func() { w.run(made.Job) })
	return made, nil
}

// change changes a job, and tells those who follow it.
func (w *jobs) change(id hotcell.JobID, fn func(*hotcell.Job)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.jobs, func(j hotcell.Job) bool { return j.ID == id })
	fn(&w.jobs[i])
	(*World)(w).wake()
}

func (w *jobs) run(j hotcell.Job) {
	w.change(j.ID, func(j *hotcell.Job) { now := w.now; j.State, j.StartedAt = hotcell.JobRunning, &now })
	state, code, reason := hotcell.JobSucceeded, 0, ""
	for line := range strings.SplitSeq(j.Work.Command, "\n") {
		verb, text, _ := strings.Cut(line, " ")
		switch verb {
		case "out", "err":
			w.say(j.ID, "std"+verb, text+"\n")
		case "arguments":
			w.say(j.ID, "stdout", strings.Join(j.Arguments, "\n")+"\n")
		case "leave":
			name, content, _ := strings.Cut(text, " ")
			w.leave(j.ID, name, content)
		case "wait":
			w.until(j.ID, func(j hotcell.Job) bool { return j.Cancelling })
			state, code, reason = hotcell.JobCancelled, 0, "the job was cancelled"
		case "ask":
			w.ask(j, text)
		case "refuse":
			host, why, _ := strings.Cut(text, " ")
			w.mu.Lock()
			(*World)(w).record("network.refuse", "", j.ID)
			last := &w.events[len(w.events)-1]
			last.Decision, last.Host, last.Reason = hotcell.Refused, host, why
			w.mu.Unlock()
		case "stuck":
			w.until(j.ID, func(hotcell.Job) bool { return w.over })
		case "exit":
			if code, _ = strconv.Atoi(text); code != 0 {
				state, reason = hotcell.JobFailed, fmt.Sprintf("the command exited with %d", code)
			}
		case "become":
			name, why, _ := strings.Cut(text, ":")
			state, reason = hotcell.JobState(name), strings.TrimSpace(why)
		}
	}
	w.change(j.ID, func(j *hotcell.Job) {
		end := j.StartedAt.Add(1500 * time.Millisecond)
		j.State, j.Reason, j.EndedAt, j.Cancelling = state, reason, &end, false
		if state == hotcell.JobSucceeded || state == hotcell.JobFailed && code != 0 {
			j.ExitCode = &code
		}
	})
}

func (w *jobs) say(id hotcell.JobID, stream, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logs[id] = append(w.logs[id], hotcell.LogChunk{Sequence: int64(len(w.logs[id]) + 1), At: w.now, Stream: stream, Data: []byte(text)})
	(*World)(w).wake()
}

func (w *jobs) leave(id hotcell.JobID, name, content string) {
	var b bytes.Buffer
	archive := tar.NewWriter(&b)
	_ = archive.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))})
	_, _ = io.WriteString(archive, content)
	_ = archive.Close()
	w.change(id, func(j *hotcell.Job) { w.outputs[id], j.OutputSize = b.Bytes(), int64(b.Len()) })
}

// until waits until something is true of the job.
func (w *jobs) until(id hotcell.JobID, condition func(hotcell.Job) bool) {
	for {
		w.mu.Lock()
		changed := w.changed
		j, _ := w.find(id)
		reached := condition(j)
		w.mu.Unlock()
		if reached {
			return
		}
		<-changed
	}
}

// Await waits until something is true of the newest job.
func (w *World) Await(condition func(hotcell.Job) bool) {
	for {
		w.mu.Lock()
		changed := w.changed
		reached := len(w.jobs) > 0 && condition(w.jobs[len(w.jobs)-1])
		w.mu.Unlock()
		if reached {
			return
		}
		<-changed
	}
}

func (w *World) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	for i := range w.jobs {
		w.jobs[i].Cancelling = !w.jobs[i].State.Final()
	}
	w.wake()
}

// find returns a job. The lock is held.
func (w *jobs) find(id hotcell.JobID) (hotcell.Job, error) {
	i := slices.IndexFunc(w.jobs, func(j hotcell.Job) bool { return j.ID == id })
	if i < 0 {
		return hotcell.Job{}, hotcell.ErrNotFound
	}
	return w.jobs[i], nil
}

func (w *jobs) Cancel(_ context.Context, _ hotcell.Principal, id hotcell.JobID) (hotcell.Job, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.jobs, func(j hotcell.Job) bool { return j.ID == id })
	if i < 0 {
		return hotcell.Job{}, hotcell.ErrNotFound
	}
	if w.jobs[i].State.Final() {
		return hotcell.Job{}, fmt.Errorf("%w: the job has ended: %s", hotcell.ErrConflict, w.jobs[i].State)
	}
	w.jobs[i].Cancelling = true
	(*World)(w).wake()
	return w.jobs[i], nil
}

func (w *jobs) Job(_ context.Context, _ hotcell.Principal, id hotcell.JobID) (hotcell.Job, error) {
	leave, err := (*vault)(w).enter()
	if err != nil {
		return hotcell.Job{}, err
	}
	defer leave()
	return w.find(id)
}

func (w *jobs) Jobs(_ context.Context, _ hotcell.Principal, f hotcell.JobFilter, page hotcell.Page) ([]hotcell.Job, error) {
	leave, err := (*vault)(w).enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	found := slices.DeleteFunc(slices.Clone(w.jobs), func(j hotcell.Job) bool {
		return f.State != "" && j.State != f.State || f.Assignment != "" && j.Assignment != f.Assignment
	})
	slices.Reverse(found)
	return pageOf(found, page, func(j hotcell.Job) string { return string(j.ID) })
}

func (w *jobs) Log(_ context.Context, _ hotcell.Principal, id hotcell.JobID, after int64) ([]hotcell.LogChunk, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.logs[id][min(after, int64(len(w.logs[id]))):]), nil
}

func (w *jobs) Follow(ctx context.Context, p hotcell.Principal, id hotcell.JobID, after int64, fn func([]hotcell.LogChunk) error) (hotcell.Job, error) {
	for {
		w.mu.Lock()
		changed := w.changed
		j, err := w.find(id)
		w.mu.Unlock()
		if err != nil {
			return j, err
		}
		chunks, _ := w.Log(ctx, p, id, after)
		switch {
		case len(chunks) > 0:
			if err := fn(chunks); err != nil {
				return j, err
			}
			after = chunks[len(chunks)-1].Sequence
		case j.State.Final():
			return j, nil
		default:
			select {
			case <-ctx.Done():
				return j, ctx.Err()
			case <-changed:
			}
		}
	}
}

func (w *jobs) Output(_ context.Context, _ hotcell.Principal, id hotcell.JobID) (io.ReadCloser, int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	archive, there := w.outputs[id]
	if !there {
		return nil, 0, fmt.Errorf("%w: the job left nothing in /job/out", hotcell.ErrNotFound)
	}
	return io.NopCloser(bytes.NewReader(archive)), int64(len(archive)), nil
}

// files is the world as the store of folders.
type files World

func (w *files) Put(_ context.Context, r io.Reader) (hotcell.Files, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return hotcell.Files{}, fmt.Errorf("storing files: %w", err)
	}
	for archive := tar.NewReader(bytes.NewReader(content)); ; {
		if _, err := archive.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return hotcell.Files{}, hotcell.Invalid("/files", "this is not a tar archive")
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	sum := sha256.Sum256(content)
	name := hotcell.Files{Digest: hex.EncodeToString(sum[:]), Size: int64(len(content))}
	w.files[name.Digest] = content
	return name, nil
}

// Archive is what was uploaded under a digest.
func (w *World) Archive(digest string) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.files[digest]
}

type answer struct {
	request [32]byte
	body    []byte
}

// repeats is the world as what remembers answers.
type repeats World

func (w *repeats) Recall(_ context.Context, key string, request [32]byte) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	stored, there := w.answers[key]
	switch {
	case !there:
		return nil, hotcell.ErrNotFound
	case stored.request != request:
		return nil, hotcell.ErrConflict
	}
	return stored.body, nil
}

func (w *repeats) Remember(_ context.Context, key string, request [32]byte, body []byte, _ time.Time) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[key] = answer{request, body}
	return body, nil
}

// Remembered is all that is kept of requests and their answers.
func (w *World) Remembered() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	for key, a := range w.answers {
		fmt.Fprintf(&b, "%s %x %s\n", key, a.request, a.body)
	}
	return b.String()
}

func (w *jobs) Browser(_ context.Context, _ hotcell.Principal, id hotcell.JobID, hand *cellrpc.Hand) (io.ReadCloser, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, there := w.outputs[id]; !there {
		return nil, fmt.Errorf("%w: the job has no browser now", hotcell.ErrConflict)
	}
	if hand != nil {
		return nil, nil //nolint:nilnil // nothing is said
	}
	return io.NopCloser(bytes.NewReader([]byte("{}\n"))), nil
}

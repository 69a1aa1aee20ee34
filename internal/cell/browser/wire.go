package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"hotcell/internal/line/border"
)

// args are a command's parameters, as the protocol names them
// (https://chromedevtools.github.io/devtools-protocol/).
type args map[string]any

// errGone is a browser or a page that is no more.
var errGone = errors.New("the browser is gone")

// wire is the pipe, with the sessions that go over it.
type wire struct {
	conn *chromedp.PipeConn
	send sync.Mutex
	// caught is told of a fault.
	caught border.Caught

	mu       sync.Mutex
	next     int64
	waiting  map[int64]chan *cdproto.Message
	sessions map[target.SessionID]*session
	gone     bool
	// events are handled one after the other, in the order in which they came.
	events []event
	more   *sync.Cond
}

type event struct {
	session *session
	method  string
	params  []byte
}

func newWire(p Pipe, caught border.Caught) *wire {
	w := &wire{conn: chromedp.NewPipeConn(p.From, p.To), waiting: map[int64]chan *cdproto.Message{}, sessions: map[target.SessionID]*session{}, caught: caught}
	w.more = sync.NewCond(&w.mu)
	// Whoever waits for an answer is told that the browser is gone, and not left waiting.
	gone := func(f *border.Fault) { caught(f); w.end() }
	border.Go("the browser's answers", gone, w.read)
	border.Go("the browser's events", gone, w.handle)
	return w
}

// read hands answers to who waits, and queues events.
func (w *wire) read() {
	for {
		message := new(cdproto.Message)
		if err := w.conn.Read(context.Background(), message); err != nil {
			w.end()
			return
		}
		w.mu.Lock()
		if message.ID != 0 {
			if waiting := w.waiting[message.ID]; waiting != nil {
				delete(w.waiting, message.ID)
				waiting <- message
			}
		} else if s := w.sessions[message.SessionID]; s != nil {
			w.events = append(w.events, event{s, string(message.Method), []byte(message.Params)})
			w.more.Signal()
		}
		w.mu.Unlock()
	}
}

func (w *wire) handle() {
	for {
		w.mu.Lock()
		for len(w.events) == 0 && !w.gone {
			w.more.Wait()
		}
		if len(w.events) == 0 {
			w.mu.Unlock()
			return
		}
		e := w.events[0]
		w.events = w.events[1:]
		fn := e.session.handlers[e.method]
		w.mu.Unlock()
		if fn != nil {
			border.Func("an event of the browser's", w.caught, func() { fn(e.params) })()
		}
	}
}

func (w *wire) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = true
	for id, waiting := range w.waiting {
		delete(w.waiting, id)
		close(waiting)
	}
	for _, s := range w.sessions {
		s.close()
	}
	w.more.Broadcast()
}

func (w *wire) close() error { return w.conn.Close() }

// session is one target's, or the browser's own, which has no id.
type session struct {
	wire     *wire
	id       target.SessionID
	handlers map[string]func([]byte)
	gone     chan struct{}
	once     sync.Once
}

func (w *wire) session(id target.SessionID) *session {
	s := &session{wire: w, id: id, handlers: map[string]func([]byte){}, gone: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sessions[id] = s
	return s
}

func (s *session) close() { s.once.Do(func() { close(s.gone) }) }

// on has events handled. A handler must not wait for another event.
func (s *session) on(method string, fn func(params []byte)) {
	s.wire.mu.Lock()
	defer s.wire.mu.Unlock()
	s.handlers[method] = fn
}

// do sends a command and waits for its answer; out may be nil.
func (s *session) do(ctx context.Context, method string, in args, out any) error {
	message := &cdproto.Message{SessionID: s.id, Method: cdproto.MethodType(method)}
	if in != nil {
		params, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("writing %s: %w", method, err)
		}
		message.Params = params
	}
	answer := make(chan *cdproto.Message, 1)
	w := s.wire
	w.mu.Lock()
	if w.gone {
		w.mu.Unlock()
		return errGone
	}
	w.next++
	message.ID = w.next
	w.waiting[message.ID] = answer
	w.mu.Unlock()
	w.send.Lock()
	err := w.conn.Write(ctx, message)
	w.send.Unlock()
	if err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	select {
	case got, open := <-answer:
		switch {
		case !open:
			return errGone
		case got.Error != nil:
			return got.Error
		case out == nil:
			return nil
		}
		if err := json.Unmarshal([]byte(got.Result), out); err != nil {
			return fmt.Errorf("reading the answer of %s: %w", method, err)
		}
		return nil
	case <-s.gone:
		return errGone
	case <-ctx.Done():
		w.mu.Lock()
		delete(w.waiting, message.ID)
		w.mu.Unlock()
		return ctx.Err()
	}
}

// tell sends a command whose answer nobody waits for.
func (s *session) tell(method string, in args) {
	message := &cdproto.Message{SessionID: s.id, Method: cdproto.MethodType(method)}
	if in != nil {
		params, err := json.Marshal(in)
		if err != nil {
			return
		}
		message.Params = params
	}
	w := s.wire
	w.mu.Lock()
	w.next++
	message.ID = w.next
	w.mu.Unlock()
	w.send.Lock()
	defer w.send.Unlock()
	_ = w.conn.Write(context.Background(), message)
}

// decode reads an event's parameters; one that cannot be read is none.
func decode[T any](params []byte) (v T, ok bool) {
	return v, json.Unmarshal(params, &v) == nil
}

package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/cell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/sensitive"
)

// Where the browser's cell has what.
const (
	profileFolder  = "/tmp/chromium-profile"
	downloadFolder = "/job/downloads"
	uploadFolder   = "/job/uploads"
)

// InitMain is process 1 of a browser's cell: it starts Chromium, drives it, and
// answers its gateway. Its end is the end of everything in the cell.
func InitMain() int {
	// Whatever ends it is worth a word: nobody ends it from within.
	fmt.Fprintln(os.Stderr, "hotcell: browser:", initMain(context.Background()))
	return 1
}

func initMain(ctx context.Context) error {
	room, err := cell.EnterRoom(ctx)
	if err != nil {
		return err
	}
	program := Program()
	if program == "" {
		return errors.New("there is no chromium-headless-shell on this machine")
	}
	for _, folder := range []string{downloadFolder, uploadFolder} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			return fmt.Errorf("making the browser's folders: %w", err)
		}
	}
	chromium, err := room.Launch(append([]string{program}, Flags(profileFolder, room.Spec.Pin)...), []string{
		"HOME=/home/job", "TMPDIR=/tmp", "PATH=/usr/bin:/bin", "LANG=en_US.UTF-8", "FONTCONFIG_PATH=/etc/fonts",
	})
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	driver, err := Open(ctx, Config{
		Pipe: Pipe{chromium.To, chromium.From}, Hand: &line{room}, Evaluate: room.Spec.Evaluate, Downloads: downloadFolder, Uploads: uploadFolder,
		Now: time.Now, Log: log,
	})
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(chromium.Said()))
	}
	server := &http.Server{Handler: border.Handler("a call of a browser's cell", log, border.Refuse, serve(room, driver)), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	border.Go("the calls of a browser's cell", border.Log(log), func() { _ = server.Serve(room.Calls) })
	<-chromium.Ended
	room.Leave()
	return fmt.Errorf("the browser has ended: %s", strings.TrimSpace(chromium.Said()))
}

// serve answers the gateway.
func serve(room *cell.Room, d *Driver) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+cellrpc.PathCall, func(w http.ResponseWriter, r *http.Request) {
		var call cellrpc.Call
		if json.NewDecoder(r.Body).Decode(&call) != nil {
			http.Error(w, "this is not understood", http.StatusBadRequest)
			return
		}
		// A person may have let the job reach more since.
		_ = room.Widen(r.Context())
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(d.Call(r.Context(), call))
	})
	mux.HandleFunc("GET "+cellrpc.PathView, func(w http.ResponseWriter, r *http.Request) {
		flush := http.NewResponseController(w)
		w.Header().Set("Content-Type", "application/x-ndjson")
		_ = d.View(r.Context(), func(v cellrpc.View) error {
			return errors.Join(json.NewEncoder(w).Encode(v), flush.Flush())
		})
	})
	mux.HandleFunc("POST "+cellrpc.PathHand, func(w http.ResponseWriter, r *http.Request) {
		var hand cellrpc.Hand
		if json.NewDecoder(r.Body).Decode(&hand) != nil {
			http.Error(w, "this is not understood", http.StatusBadRequest)
			return
		}
		if err := d.Handle(r.Context(), hand); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST "+cellrpc.PathLearn, func(w http.ResponseWriter, r *http.Request) {
		var learn cellrpc.LearnRequest
		if json.NewDecoder(r.Body).Decode(&learn) != nil {
			http.Error(w, "this is not understood", http.StatusBadRequest)
			return
		}
		_ = room.Widen(r.Context())
		out, err := d.Learn(r.Context(), learn)
		if err != nil {
			http.Error(w, d.clean(d.sentence(err)), http.StatusConflict)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out)
	})
	return mux
}

// line is the gateway as a [Hand].
type line struct{ room *cell.Room }

func (l *line) Logins(ctx context.Context, r cellrpc.LoginsRequest) (out cellrpc.LoginsAnswer, err error) {
	return out, l.room.Ask(ctx, cellrpc.PathLogins, r, &out)
}

func (l *line) Arm(ctx context.Context, r cellrpc.ArmRequest) (out cellrpc.ArmAnswer, err error) {
	return out, l.room.Ask(ctx, cellrpc.PathArm, r, &out)
}

func (l *line) AwaitArm(ctx context.Context, r cellrpc.AwaitArmRequest) (out cellrpc.ArmState, err error) {
	return out, l.room.Ask(ctx, cellrpc.PathAwaitArm, r, &out)
}

// Fill makes a key that lives for this one answer.
func (l *line) Fill(ctx context.Context, r cellrpc.FillRequest) (v Values, err error) {
	pair, err := parcel.Generate()
	if err != nil {
		return v, err
	}
	var answer cellrpc.LeaseAnswer
	r.PublicKey = pair.Public().Bytes()
	if err := l.room.Ask(ctx, cellrpc.PathFill, r, &answer); err != nil {
		return v, err
	}
	plain, err := pair.OpenInfo(vaultrpc.FillInfo(hotcell.JobID(l.room.Spec.Job), hotcell.AttachmentID(r.Use)), answer.Message)
	if err != nil {
		return v, errors.New("opening a login's values: they were not sealed for this browser")
	}
	defer plain.Clear()
	err = plain.Use(func(b []byte) error {
		var values cellrpc.LoginValues
		if json.Unmarshal(b, &values) != nil {
			return errors.New("opening a login's values: they are damaged")
		}
		v.Password, v.Code = sensitive.New(values.Password), sensitive.New(values.Code)
		return nil
	})
	return v, err
}

func (l *line) Filled(ctx context.Context, o cellrpc.Origin) error {
	return l.room.Ask(ctx, cellrpc.PathFilled, o, nil)
}

func (l *line) AskLogin(ctx context.Context, r cellrpc.AskLogin) (out cellrpc.Asked, err error) {
	return out, l.room.Ask(ctx, cellrpc.PathAskLogin, r, &out)
}

func (l *line) AskWay(ctx context.Context, r cellrpc.AskWay) (out cellrpc.Asked, err error) {
	return out, l.room.Ask(ctx, cellrpc.PathAskWay, r, &out)
}

func (l *line) Session(ctx context.Context, s cellrpc.Session) error {
	return l.room.Ask(ctx, cellrpc.PathSession, s, nil)
}

func (l *line) Fetch(ctx context.Context, path string, to io.Writer) error {
	answer, err := l.room.Stream(ctx, http.MethodGet, cellrpc.PathFile+"?path="+url.QueryEscape(path), nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, answer.Body)
	return errors.Join(err, answer.Body.Close())
}

func (l *line) Keep(ctx context.Context, name string, from io.Reader) (out cellrpc.File, err error) {
	answer, err := l.room.Stream(ctx, http.MethodPut, cellrpc.PathFile+"?name="+url.QueryEscape(name), from)
	if err != nil {
		return out, err
	}
	return out, errors.Join(json.NewDecoder(answer.Body).Decode(&out), answer.Body.Close())
}

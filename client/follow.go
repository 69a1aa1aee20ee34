package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"hotcell"
)

// A stream that breaks off is taken up after a pause, which is longer by the first one with
// each try up to the longest. Where nothing came in so many tries (about six minutes), it is
// given up.
const (
	firstPause   = 200 * time.Millisecond
	longestPause = 10 * time.Second
	mostTries    = 60
)

// Follow hands a job's log over as it grows, and returns the job when it has ended. A
// stream that breaks off is taken up again behind the last chunk that was handed over: none
// is lost, and none comes twice. The first time, cut is told why.
func (c *Client) Follow(ctx context.Context, id hotcell.JobID, fn func(hotcell.LogChunk) error, cut ...func(error)) (hotcell.Job, error) {
	after, pause := int64(0), time.Duration(0)
	for try := 0; ; {
		before := after
		j, err := c.stream(ctx, id, &after, fn)
		if err == nil {
			return j, nil
		}
		if ctx.Err() != nil {
			return j, ctx.Err()
		}
		if !errors.Is(err, errBroken) && !errors.Is(err, hotcell.ErrUnavailable) {
			return j, err
		}
		for _, tell := range cut {
			tell(err)
		}
		cut = nil
		if try, pause = try+1, min(pause+firstPause, longestPause); after > before {
			try, pause = 0, firstPause
		}
		if try > mostTries {
			return j, err
		}
		select {
		case <-ctx.Done():
			return j, ctx.Err()
		case <-time.After(pause):
		}
	}
}

var errBroken = errors.New("the stream of the job's log broke off")

// stream reads server-sent events (WHATWG HTML section 9.2) until the one that tells of the
// end. An event counts once the empty line behind it has come: what a cut line left of one
// is none.
func (c *Client) stream(ctx context.Context, id hotcell.JobID, after *int64, fn func(hotcell.LogChunk) error) (j hotcell.Job, err error) {
	answer, err := c.do(ctx, call{
		method: http.MethodGet, path: "/v1/jobs/" + url.PathEscape(string(id)) + "/log",
		query: url.Values{"after": {strconv.FormatInt(*after, 10)}}, header: http.Header{"Accept": {"text/event-stream"}},
	})
	if err != nil {
		return j, err
	}
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 16<<20)
	var event string
	var data []byte
	for lines.Scan() {
		line := lines.Bytes()
		if name, ok := bytes.CutPrefix(line, []byte("event: ")); ok {
			event = string(name)
		}
		if text, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
			data = append(data[:0], text...)
		}
		if len(line) > 0 || len(data) == 0 {
			continue
		}
		if event == "end" {
			return j, json.Unmarshal(data, &j)
		}
		if err := handOver(data, after, fn); err != nil {
			return j, err
		}
		event, data = "", data[:0]
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return j, fmt.Errorf("reading a job's log: %w", lines.Err())
	}
	return j, errBroken
}

// handOver hands a chunk over that was not handed over before.
func handOver(data []byte, after *int64, fn func(hotcell.LogChunk) error) error {
	var chunk hotcell.LogChunk
	if err := json.Unmarshal(data, &chunk); err != nil {
		return fmt.Errorf("reading a job's log: %w", err)
	}
	if chunk.Sequence <= *after {
		return nil
	}
	if err := fn(chunk); err != nil {
		return err
	}
	*after = chunk.Sequence
	return nil
}

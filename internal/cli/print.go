package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"hotcell/internal/text/words"
)

// warn tells what was done and may not do what was meant.
func (a *app) warn(warnings []string) {
	for _, one := range warnings {
		a.say("hotcell: warning: %s", one)
	}
}

// json prints data for programs.
func (a *app) json(v any) error {
	e := json.NewEncoder(a.Out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// table prints rows in columns.
func (a *app) table(rows [][]string) error {
	w := tabwriter.NewWriter(a.Out, 0, 4, 2, ' ', 0)
	for _, row := range rows {
		for i := range row {
			row[i] = safe(row[i])
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(strings.Join(row, "\t"), "\t")); err != nil {
			return err
		}
	}
	return w.Flush()
}

// safe keeps what somebody chose from steering the terminal, or from hiding there.
func safe(s string) string {
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(words.Plain(s))
}

// safeLines is safe for texts of several lines.
func safeLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = safe(lines[i])
	}
	return strings.Join(lines, "\n")
}

// made tells of something that was made: its id alone with -q.
func (a *app) made(id, sentence string, whole any) error {
	switch {
	case a.quiet:
		_, err := fmt.Fprintln(a.Out, id)
		return err
	case a.output == "json":
		return a.json(whole)
	}
	_, err := fmt.Fprintln(a.Err, safe(sentence))
	return err
}

// say says a word to a person.
func (a *app) say(format string, args ...any) {
	if !a.quiet && a.output != "json" {
		fmt.Fprintln(a.Err, safe(fmt.Sprintf(format, args...)))
	}
}

func at(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

package hotcelltest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
)

// Forms are the ways in which a planted value must not be found.
func Forms(value string) [][]byte {
	raw := []byte(value)
	return [][]byte{
		raw, []byte(hex.EncodeToString(raw)), []byte(base64.RawStdEncoding.EncodeToString(raw)), []byte(base64.RawURLEncoding.EncodeToString(raw)),
		bytes.ToLower(raw), []byte(url.QueryEscape(value)), []byte(strconv.Quote(value)[1 : len(strconv.Quote(value))-1]),
	}
}

// Holds says in which form a text holds a value, or "".
func Holds(text []byte, value string) string {
	for _, form := range Forms(value) {
		if len(form) > 0 && bytes.Contains(text, form) {
			return fmt.Sprintf("%.4s…", form)
		}
	}
	return ""
}

// Canaries fails the test where a planted value is found in the server's
// folder, in its log, or in the arguments or environment of any process but
// those of jobs.
func (s *Server) Canaries(values ...string) {
	s.t.Helper()
	check := func(where string, text []byte) {
		for _, v := range values {
			if form := Holds(text, v); form != "" {
				s.t.Errorf("%s holds a value (%s)", where, form)
			}
		}
	}
	read := 0
	err := filepath.WalkDir(s.Data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		read++
		check(path, text)
		return err
	})
	if err != nil || read < 3 {
		s.t.Errorf("looking through the data folder: %d files, %v", read, err)
	}
	check("the server's log", []byte(s.Log()))
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range processes {
		// A job's own processes have the job's values: they are in a user
		// namespace of their own.
		own, _ := os.Readlink("/proc/self/ns/user")
		if theirs, err := os.Readlink(filepath.Join(dir, "ns/user")); err != nil || theirs != own {
			continue
		}
		for _, name := range []string{"cmdline", "environ"} {
			text, _ := os.ReadFile(filepath.Join(dir, name))
			check(filepath.Join(dir, name), text)
		}
	}
}

//go:build linux

package main

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell/internal/value/tidy"
)

// forgetful begins this process anew with [tidy.Forgetful], which is read at a
// start only, where it has not got it: values that come in plain go through the
// control plane. Where that can't be done it goes on as it is.
func forgetful() {
	name, setting, _ := strings.Cut(tidy.Forgetful, "=")
	had := os.Getenv(name)
	if strings.Contains(had, setting[:strings.IndexByte(setting, '=')+1]) {
		return
	}
	if had != "" {
		setting = had + "," + setting
	}
	if err := os.Setenv(name, setting); err == nil {
		_ = unix.Exec("/proc/self/exe", os.Args, os.Environ())
	}
}

package main_test

import (
	"os"
	"os/exec"
	"testing"
)

// TestTheCommandsBuildForPeoplesMachines builds the client for systems that run no server.
func TestTheCommandsBuildForPeoplesMachines(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it compiles everything twice")
	}
	for _, on := range [][2]string{{"darwin", "arm64"}, {"windows", "amd64"}} {
		build := exec.CommandContext(t.Context(), "go", "build", "-o", os.DevNull, ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+on[0], "GOARCH="+on[1])
		if out, err := build.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", on, err, out)
		}
	}
}

// Command hotcell-demo shows the product on this machine, in a minute: a real job
// with curl and psql against a real HTTPS API and a real PostgreSQL, then the same job
// as a hostile one. It brings a company with services and sites of its own, which the
// product itself does without.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"hotcell/test/demo"
)

func main() { os.Exit(run()) }

// run shows it, and returns the exit code: 1 where a check fails.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o := demo.Options{Out: os.Stdout}
	flag.StringVar(&o.Binary, "binary", beside(), "the `program` to show: hotcell")
	flag.BoolVar(&o.Keep, "keep", false, "leave the folder when it is over")
	flag.Usage = func() {
		_, _ = fmt.Fprintln(flag.CommandLine.Output(), "usage: hotcell-demo [--keep] [--binary hotcell]\n\nEach line with a mark is a check; where one fails, the exit code is 1.")
		flag.PrintDefaults()
	}
	flag.Parse()
	if err := demo.Run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "hotcell-demo:", err)
		return 1
	}
	return 0
}

// beside is the product's program in the folder of this one.
func beside() string {
	self, err := os.Executable()
	if err != nil {
		return "hotcell"
	}
	return filepath.Join(filepath.Dir(self), "hotcell")
}

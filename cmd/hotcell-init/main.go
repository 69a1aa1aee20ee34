// Command hotcell-init is the first process of a job's cell, and the stage that becomes
// the job's command: a program of its own, so that a cell starts nothing of the product
// but what it needs. It is carried inside hotcell, and nobody calls it by hand.
package main

import (
	"fmt"
	"io"
	"log"
	"os"

	"hotcell/internal/cell"
)

func main() {
	// What libraries say by themselves may quote what a service sent.
	log.SetOutput(io.Discard)
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case cell.InitCommand:
			os.Exit(cell.InitMain())
		case cell.ExecCommand:
			os.Exit(cell.ExecMain())
		}
	}
	fmt.Fprintln(os.Stderr, "hotcell-init: this is the first process of a cell, which hotcell starts")
	os.Exit(2)
}

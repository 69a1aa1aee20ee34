//go:build linux

package main

import (
	"io"
	"log"
	"os"

	"hotcell/internal/catalog/connector"
	"hotcell/internal/cell"
	"hotcell/internal/cell/browser"
	"hotcell/internal/parser"
	"hotcell/internal/worker/image"
)

func main() {
	// What libraries say by themselves may quote what a service sent.
	log.SetOutput(io.Discard)
	if len(os.Args) > 1 {
		// The cell's own come first: they start for every job.
		switch os.Args[1] {
		case cell.InitCommand:
			os.Exit(cell.InitMain())
		case cell.BrowserCommand:
			os.Exit(browser.InitMain())
		case cell.ExecCommand:
			os.Exit(cell.ExecMain())
		case vaultCommand:
			os.Exit(part("vault", runVault))
		case keyCommand:
			os.Exit(part("key", runKey))
		case restoreCommand:
			os.Exit(part("restore", runRestore))
		case workerCommand:
			os.Exit(part("worker", runWorker))
		case parserCommand:
			os.Exit(part("parser", runParser))
		case image.UnpackCommand:
			os.Exit(image.UnpackMain())
		case readerCommand:
			os.Exit(parser.Main(connector.Plain))
		}
	}
	os.Exit(run(os.Args[1:]))
}

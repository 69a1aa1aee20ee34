// Command judge finds values in what tests give it, as package portal does. It is a
// program of its own since a race detector makes what it does many times slower, and
// there is nothing in it that two could do at once.
package main

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"

	"hotcell/test/acme/portal"
)

func main() {
	in, out := gob.NewDecoder(os.Stdin), gob.NewEncoder(os.Stdout)
	for {
		var c portal.Case
		if err := in.Decode(&c); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := out.Encode(c.Judge()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

package cell

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// instructions is the file that an agent reads: by its name, and as its standard
// input.
const instructions = "INSTRUCTIONS.md"

// instruct writes the instructions, in the place of whatever the assignment's
// folder has by that name.
func (i *initial) instruct(context.Context) error {
	if i.spec.Instructions == "" {
		return nil
	}
	root, err := os.OpenRoot("/job")
	if err != nil {
		return fmt.Errorf("writing the instructions: %w", err)
	}
	defer func() { _ = root.Close() }()
	if err := root.RemoveAll(instructions); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("writing the instructions: %w", err)
	}
	if err := root.WriteFile(instructions, []byte(i.spec.Instructions), 0o644); err != nil {
		return fmt.Errorf("writing the instructions: %w", err)
	}
	return nil
}

// input is the file that is the command's standard input; empty for none.
func (i *initial) input() string {
	if i.spec.Instructions == "" {
		return ""
	}
	return "/job/" + instructions
}

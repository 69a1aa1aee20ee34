package config

import (
	"math"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"hotcell"
)

// List takes one value or a list of them.
type List[T any] []T

// UnmarshalYAML implements goccy's BytesUnmarshaler.
func (l *List[T]) UnmarshalYAML(text []byte) error {
	var many []T
	if err := yaml.UnmarshalWithOptions(text, &many, yaml.Strict()); err == nil {
		*l = many
		return nil
	}
	var one T
	if err := yaml.UnmarshalWithOptions(text, &one, yaml.Strict()); err != nil {
		return err
	}
	*l = List[T]{one}
	return nil
}

// Size is in bytes; it is written like 512MiB, 1GB or 1048576.
type Size int64

var units = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"B", 1}, {"", 1},
}

// ParseSize reads a size.
func ParseSize(text string) (Size, error) {
	for _, u := range units {
		digits, found := strings.CutSuffix(text, u.suffix)
		if !found {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/u.bytes {
			break
		}
		return Size(n * u.bytes), nil
	}
	return 0, hotcell.Invalid("", `a size is written like "512MiB" or "1GiB"`)
}

// UnmarshalYAML reads what ParseSize reads.
func (s *Size) UnmarshalYAML(text []byte) (err error) {
	*s, err = ParseSize(strings.Trim(strings.TrimSpace(string(text)), `"'`))
	return err
}

package google

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The size of a new sheet.
const (
	usualRows    = 1000
	usualColumns = 26
)

// book is a spreadsheet.
type book struct {
	id, title string
	sheets    []*sheet
}

// sheet is one of a book's. A chart's has no cells.
type sheet struct {
	id           int
	title        string
	chart        bool
	cells        [][]any
	rows, across int
}

// formula is what a cell has that is computed.
type formula string

// cells is a range in A1 notation without its sheet.
var cells = regexp.MustCompile(`^([A-Z]{1,3})?([1-9][0-9]{0,6})?(?::([A-Z]{1,3})?([1-9][0-9]{0,6})?)?$`)

// area is a range, from 0 and with its ends within it.
type area struct {
	sheet                    *sheet
	top, left, bottom, right int
}

// unquoted is a sheet's title, as A1 notation has it.
func unquoted(s string) string {
	if len(s) > 1 && strings.HasPrefix(s, "'") && strings.HasSuffix(s, "'") {
		return strings.ReplaceAll(s[1:len(s)-1], "''", "'")
	}
	return s
}

func (b *book) sheet(title string) *sheet {
	if i := slices.IndexFunc(b.sheets, func(s *sheet) bool { return strings.EqualFold(s.title, title) }); i >= 0 {
		return b.sheets[i]
	}
	return nil
}

// area reads a range in A1 notation.
func (b *book) area(text string) (*area, *Fault) {
	wrong := invalid("Unable to parse range: " + text)
	name, rest := "", text
	if i := strings.LastIndexByte(text, '!'); i >= 0 {
		name, rest = text[:i], text[i+1:]
	} else if b.sheet(unquoted(text)) != nil && !cells.MatchString(strings.ToUpper(text)) {
		name, rest = text, ""
	}
	of := b.sheets[0]
	if name != "" {
		of = b.sheet(unquoted(name))
	}
	m := cells.FindStringSubmatch(strings.ToUpper(rest))
	if of == nil || of.chart || m == nil || rest == "" && name == "" || rest == "" && strings.Contains(text, "!") {
		return nil, wrong
	}
	a := &area{sheet: of, bottom: of.rows - 1, right: of.across - 1}
	if rest == "" {
		return a, nil
	}
	if m[1] == "" && m[2] == "" || strings.HasSuffix(rest, ":") {
		return nil, wrong
	}
	whole := strings.Contains(rest, ":")
	a.left, a.top = column(m[1]), row(m[2])
	switch {
	case !whole && (m[1] == "" || m[2] == ""):
		return nil, wrong
	case !whole:
		a.right, a.bottom = a.left, a.top
	default:
		if m[3] != "" {
			a.right = column(m[3])
		}
		if m[4] != "" {
			a.bottom = row(m[4])
		}
	}
	if a.top > a.bottom {
		a.top, a.bottom = a.bottom, a.top
	}
	if a.top >= of.rows || a.left >= of.across {
		return nil, invalid(fmt.Sprintf("Range (%s) exceeds grid limits. Max rows: %d, max columns: %d", a, of.rows, of.across))
	}
	return a, nil
}

func column(s string) (n int) {
	for _, c := range []byte(s) {
		n = n*26 + int(c-'A') + 1
	}
	return max(n-1, 0)
}

func row(s string) int {
	n, _ := strconv.Atoi(s)
	return max(n-1, 0)
}

func letters(n int) (s string) {
	for n++; n > 0; n = (n - 1) / 26 {
		s = string(rune('A'+(n-1)%26)) + s
	}
	return s
}

var plainTitle = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// String writes the range, as the service does in its answers.
func (a *area) String() string {
	title := a.sheet.title
	if !plainTitle.MatchString(title) {
		title = "'" + strings.ReplaceAll(title, "'", "''") + "'"
	}
	out := fmt.Sprintf("%s!%s%d", title, letters(a.left), a.top+1)
	if a.top != a.bottom || a.left != a.right {
		out += fmt.Sprintf(":%s%d", letters(a.right), a.bottom+1)
	}
	return out
}

// at is a cell; nil is an empty one.
func (s *sheet) at(row, column int) any {
	if row < len(s.cells) && column < len(s.cells[row]) {
		return s.cells[row][column]
	}
	return nil
}

func (s *sheet) put(row, column int, v any) {
	for len(s.cells) <= row {
		s.cells = append(s.cells, nil)
	}
	for len(s.cells[row]) <= column {
		s.cells[row] = append(s.cells[row], nil)
	}
	s.cells[row][column] = v
	s.rows, s.across = max(s.rows, row+1), max(s.across, column+1)
}

// typed is a value as it is stored: raw as it came, or read as a person types it.
func typed(v any, raw bool) any {
	text, is := v.(string)
	switch {
	case !is || raw:
		if text == "" && is {
			return nil
		}
		return v
	case strings.HasPrefix(text, "="):
		return formula(text)
	case strings.HasPrefix(text, "'"):
		return text[1:]
	case strings.EqualFold(text, "true"), strings.EqualFold(text, "false"):
		return strings.EqualFold(text, "true")
	case text == "":
		return nil
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return n
	}
	return text
}

// shown is a cell as an answer has it.
func (s *sheet) shown(v any, option string) any {
	if f, is := v.(formula); is {
		if option == "FORMULA" {
			return string(f)
		}
		v = s.computed(string(f))
	}
	if v == nil {
		return ""
	}
	if option != "FORMATTED_VALUE" {
		return v
	}
	switch v := v.(type) {
	case bool:
		return strings.ToUpper(strconv.FormatBool(v))
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return v
}

var sum = regexp.MustCompile(`^=SUM\(([A-Z0-9:]+)\)$`)

// computed knows sums of ranges of the own sheet.
func (s *sheet) computed(f string) any {
	m := sum.FindStringSubmatch(strings.ToUpper(f))
	if m == nil {
		return "#NAME?"
	}
	a, fault := (&book{sheets: []*sheet{s}}).area(m[1])
	if fault != nil {
		return "#REF!"
	}
	total := 0.0
	for i := a.top; i <= a.bottom; i++ {
		for j := a.left; j <= a.right; j++ {
			n, _ := s.at(i, j).(float64)
			total += n
		}
	}
	return total
}

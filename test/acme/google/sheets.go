package google

import (
	"fmt"
	"slices"
	"strings"
)

const scopeSheets = scope + "spreadsheets"

// spreadsheets registers the API of spreadsheets, version 4.
func (t *Twin) spreadsheets(a api) {
	reads := []string{scopeSheets, scopeSheets + ".readonly", scope + "drive", scope + "drive.readonly", scope + "drive.file"}
	writes := []string{scopeSheets, scope + "drive", scope + "drive.file"}
	a.on("POST ", t.makeBook, writes...)
	a.on("GET /{id}", t.showBook, reads...)
	a.on("GET /{id}/values/{range}", t.getValues, reads...)
	a.on("PUT /{id}/values/{range}", t.putValues, writes...)
	a.on("POST /{id}/values/{range}", t.appendValues, writes...)
}

// Create makes a spreadsheet with rows in its first sheet, and returns its id.
func (t *Twin) Create(title string, rows ...[]any) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.addBook(title, title)
	for i, row := range rows {
		for j, v := range row {
			b.sheets[0].put(i, j, v)
		}
	}
	return b.id
}

// AddChart puts a sheet that is a chart into a spreadsheet: it has no cells.
func (t *Twin) AddChart(id, title string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.books[id]
	b.sheets = append(b.sheets, &sheet{id: len(b.sheets), title: title, chart: true})
}

// Rows are those of a sheet, as they are stored.
func (t *Twin) Rows(id, title string) (out [][]any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.books[id]
	if b == nil || b.sheet(title) == nil {
		return nil
	}
	for _, row := range b.sheet(title).cells {
		out = append(out, slices.Clone(row))
	}
	return out
}

func (t *Twin) addBook(title string, sheets ...string) *book {
	b := &book{id: fmt.Sprintf("1AcmeSheet%010d", len(t.books)+1), title: title}
	for i, name := range sheets {
		b.sheets = append(b.sheets, &sheet{id: i, title: name, rows: usualRows, across: usualColumns})
	}
	t.books[b.id] = b
	return b
}

func (t *Twin) makeBook(c *call) (any, *Fault) {
	var in struct {
		Properties struct {
			Title string `json:"title"`
		} `json:"properties"`
		Sheets []struct {
			Properties struct {
				Title string `json:"title"`
			} `json:"properties"`
		} `json:"sheets"`
	}
	if f := c.read(&in); f != nil {
		return nil, f
	}
	titles := []string{}
	for _, s := range in.Sheets {
		title := s.Properties.Title
		if title == "" {
			title = fmt.Sprintf("Sheet%d", len(titles)+1)
		}
		if slices.Contains(titles, title) {
			return nil, invalid("Invalid requests[0].addSheet: A sheet with the name \"" + title + "\" already exists. Please enter another name.")
		}
		titles = append(titles, title)
	}
	if len(titles) == 0 {
		titles = []string{"Sheet1"}
	}
	if in.Properties.Title == "" {
		in.Properties.Title = "Untitled spreadsheet"
	}
	return t.addBook(in.Properties.Title, titles...).shown(), nil
}

func (b *book) shown() map[string]any {
	list := []any{}
	for i, s := range b.sheets {
		p := map[string]any{"sheetId": s.id, "title": s.title, "index": i, "sheetType": "GRID"}
		if s.chart {
			p["sheetType"] = "OBJECT"
		} else {
			p["gridProperties"] = map[string]any{"rowCount": s.rows, "columnCount": s.across}
		}
		list = append(list, map[string]any{"properties": p})
	}
	return map[string]any{
		"spreadsheetId": b.id, "spreadsheetUrl": "https://docs.google.com/spreadsheets/d/" + b.id + "/edit", "sheets": list,
		"properties": map[string]any{"title": b.title, "locale": "en_US", "timeZone": "Etc/GMT"},
	}
}

func (t *Twin) book(c *call) (*book, *Fault) {
	if b := t.books[c.r.PathValue("id")]; b != nil {
		return b, nil
	}
	return nil, missing()
}

func (t *Twin) showBook(c *call) (any, *Fault) {
	b, f := t.book(c)
	if f != nil {
		return nil, f
	}
	return b.shown(), nil
}

func (t *Twin) area(c *call, text string) (*area, *Fault) {
	b, f := t.book(c)
	if f != nil {
		return nil, f
	}
	return b.area(text)
}

func (t *Twin) getValues(c *call) (any, *Fault) {
	a, f := t.area(c, c.r.PathValue("range"))
	if f != nil {
		return nil, f
	}
	option := c.query.Get("valueRenderOption")
	switch option {
	case "":
		option = "FORMATTED_VALUE"
	case "FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA":
	default:
		return nil, invalid("Invalid value at 'value_render_option' (type.googleapis.com/google.apps.sheets.v4.ValueRenderOption), \"" + option + "\"")
	}
	if d := c.query.Get("majorDimension"); d != "" && d != "ROWS" {
		return nil, invalid("Invalid value at 'major_dimension'")
	}
	a.bottom, a.right = min(a.bottom, a.sheet.rows-1), min(a.right, a.sheet.across-1)
	out := [][]any{}
	for i := a.top; i <= a.bottom; i++ {
		row := []any{}
		for j := a.left; j <= a.right; j++ {
			row = append(row, a.sheet.shown(a.sheet.at(i, j), option))
		}
		for len(row) > 0 && row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		out = append(out, row)
	}
	for len(out) > 0 && len(out[len(out)-1]) == 0 {
		out = out[:len(out)-1]
	}
	answer := map[string]any{"range": a.String(), "majorDimension": "ROWS"}
	if len(out) > 0 { // without values there is no list
		answer["values"] = out
	}
	return answer, nil
}

// values are what a call writes, and whether they are read as they came.
func (c *call) values(text string) (rows [][]any, raw bool, f *Fault) {
	var in struct {
		Range  string  `json:"range"`
		Major  string  `json:"majorDimension"`
		Values [][]any `json:"values"`
	}
	if f := c.read(&in); f != nil {
		return nil, false, f
	}
	switch v := c.query.Get("valueInputOption"); v {
	case "RAW", "USER_ENTERED":
		raw = v == "RAW"
	default:
		return nil, false, invalid("'valueInputOption' is required but not specified")
	}
	if in.Range != "" && in.Range != text || in.Major != "" && in.Major != "ROWS" {
		return nil, false, invalid("Requested range and that of the values are not the same")
	}
	for _, row := range in.Values {
		for _, v := range row {
			switch v.(type) {
			case nil, string, float64, bool:
			default:
				return nil, false, invalid("Invalid values[0][0]: list_value")
			}
		}
	}
	return in.Values, raw, nil
}

func (t *Twin) putValues(c *call) (any, *Fault) {
	text := c.r.PathValue("range")
	fresh, raw, f := c.values(text)
	if f != nil {
		return nil, f
	}
	a, f := t.area(c, text)
	if f != nil {
		return nil, f
	}
	n, across := 0, 0
	if strings.Contains(text, ":") && a.top+len(fresh)-1 > a.bottom {
		return nil, invalid(fmt.Sprintf("Requested writing within range [%s], but tried writing to row [%d]", a, a.bottom+2))
	}
	for i, row := range fresh {
		if strings.Contains(text, ":") && a.left+len(row)-1 > a.right {
			return nil, invalid(fmt.Sprintf("Requested writing within range [%s], but tried writing to column [%s]", a, letters(a.right+1)))
		}
		across = max(across, len(row))
		for j, v := range row {
			if v != nil { // null leaves a cell as it is
				a.sheet.put(a.top+i, a.left+j, typed(v, raw))
				n++
			}
		}
	}
	a.bottom, a.right = a.top+max(len(fresh), 1)-1, a.left+max(across, 1)-1
	return map[string]any{"spreadsheetId": c.r.PathValue("id"), "updatedRange": a.String(), "updatedRows": len(fresh), "updatedColumns": across, "updatedCells": n}, nil
}

func (t *Twin) appendValues(c *call) (any, *Fault) {
	text, ok := strings.CutSuffix(c.r.PathValue("range"), ":append")
	if !ok {
		return nil, missing()
	}
	fresh, raw, f := c.values(text)
	if f != nil {
		return nil, f
	}
	a, f := t.area(c, text)
	if f != nil {
		return nil, f
	}
	insert := false
	switch v := c.query.Get("insertDataOption"); v {
	case "", "OVERWRITE":
	case "INSERT_ROWS":
		insert = true
	default:
		return nil, invalid("Invalid value at 'insert_data_option'")
	}
	// The table is what is without an empty row from where the range begins.
	s, at := a.sheet, a.top
	for at < len(s.cells) && slices.ContainsFunc(s.cells[at], func(v any) bool { return v != nil }) {
		at++
	}
	if insert && at < len(s.cells) {
		s.cells = slices.Insert(s.cells, at, make([][]any, len(fresh))...)
	}
	n, across := 0, 0
	for i, row := range fresh {
		across = max(across, len(row))
		for j, v := range row {
			s.put(at+i, a.left+j, typed(v, raw))
			n++
		}
	}
	written := &area{s, at, a.left, at + max(len(fresh), 1) - 1, a.left + max(across, 1) - 1}
	out := map[string]any{"spreadsheetId": c.r.PathValue("id"), "updates": map[string]any{
		"spreadsheetId": c.r.PathValue("id"), "updatedRange": written.String(), "updatedRows": len(fresh), "updatedColumns": across, "updatedCells": n,
	}}
	if at > a.top {
		out["tableRange"] = (&area{s, a.top, a.left, at - 1, written.right}).String()
	}
	return out, nil
}

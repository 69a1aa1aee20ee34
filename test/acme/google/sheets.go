package google

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hotcell/test/acme/account"
)

// spreadsheets registers the API of spreadsheets, version 4.
func (t *Twin) spreadsheets() {
	t.mux.HandleFunc("POST /v4/spreadsheets", t.as(t.makeSheet, scopeSheets))
	t.mux.HandleFunc("GET /v4/spreadsheets/{id}", t.as(t.showSheet, scopeSheets, scopeSheets+".readonly"))
	t.mux.HandleFunc("GET /v4/spreadsheets/{id}/values/{range}", t.as(t.getValues, scopeSheets, scopeSheets+".readonly"))
	t.mux.HandleFunc("PUT /v4/spreadsheets/{id}/values/{range}", t.as(t.putValues, scopeSheets))
	t.mux.HandleFunc("POST /v4/spreadsheets/{id}/values/{range}", t.as(t.appendValues, scopeSheets))
}

// Create makes a spreadsheet with rows in its first sheet, and returns its id.
func (t *Twin) Create(title string, rows ...[]any) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := fmt.Sprintf("1AcmeSheet%010d", len(t.sheets)+1)
	t.sheets[id] = map[string][][]any{title: rows}
	return id
}

// Rows are those of a sheet.
func (t *Twin) Rows(id, sheet string) [][]any {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.sheets[id][sheet])
}

func (t *Twin) makeSheet(_ account.Account, r *http.Request) (any, *fault) {
	var in struct {
		Sheets []struct{ Properties struct{ Title string } }
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		return nil, &fault{400, "INVALID_ARGUMENT", "Invalid JSON payload received."}
	}
	title := "Sheet1"
	if len(in.Sheets) > 0 {
		title = in.Sheets[0].Properties.Title
	}
	id := t.Create(title)
	return map[string]any{"spreadsheetId": id, "spreadsheetUrl": "https://docs.google.com/spreadsheets/d/" + id + "/edit"}, nil
}

func (t *Twin) showSheet(_ account.Account, r *http.Request) (any, *fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sheets, there := t.sheets[r.PathValue("id")]
	if !there {
		return nil, &fault{404, "NOT_FOUND", "Requested entity was not found."}
	}
	list := []any{}
	for title, rows := range sheets {
		list = append(list, map[string]any{"properties": map[string]any{"title": title, "gridProperties": map[string]any{"rowCount": max(1000, len(rows)), "columnCount": 26}}})
	}
	return map[string]any{"spreadsheetId": r.PathValue("id"), "properties": map[string]any{"title": "Acme"}, "sheets": list}, nil
}

// cells is a range in A1 notation: Sheet1!A1:B2.
var cells = regexp.MustCompile(`^(?:'?([^'!]+)'?!)?([A-Z]{1,2})?([0-9]*)(?::([A-Z]{1,2})([0-9]*))?$`)

type area struct {
	sheet             string
	top, left, bottom int
	right             int
}

func (t *Twin) area(r *http.Request, text string) (rows [][]any, a area, f *fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sheets, there := t.sheets[r.PathValue("id")]
	if !there {
		return nil, a, &fault{404, "NOT_FOUND", "Requested entity was not found."}
	}
	m := cells.FindStringSubmatch(text)
	if m == nil {
		return nil, a, &fault{400, "INVALID_ARGUMENT", "Unable to parse range: " + text}
	}
	a = area{sheet: m[1], left: column(m[2]), right: 1 << 20, bottom: 1 << 20}
	if n, err := strconv.Atoi(m[3]); err == nil {
		a.top = n - 1
	}
	if m[4] != "" {
		a.right = column(m[4])
	}
	if n, err := strconv.Atoi(m[5]); err == nil {
		a.bottom = n - 1
	}
	rows, there = sheets[a.sheet]
	if !there {
		return nil, a, &fault{400, "INVALID_ARGUMENT", "Unable to parse range: " + text}
	}
	return rows, a, nil
}

func column(s string) (n int) {
	for _, c := range []byte(s) {
		n = n*26 + int(c-'A') + 1
	}
	return max(n-1, 0)
}

func (t *Twin) getValues(_ account.Account, r *http.Request) (any, *fault) {
	rows, a, f := t.area(r, r.PathValue("range"))
	if f != nil {
		return nil, f
	}
	out := [][]any{}
	for i := a.top; i < len(rows) && i <= a.bottom; i++ {
		row := []any{}
		for j := a.left; j < len(rows[i]) && j <= a.right; j++ {
			row = append(row, fmt.Sprint(rows[i][j]))
		}
		out = append(out, row)
	}
	return map[string]any{"range": r.PathValue("range"), "majorDimension": "ROWS", "values": out}, nil
}

func values(r *http.Request) ([][]any, *fault) {
	var in struct{ Values [][]any }
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		return nil, &fault{400, "INVALID_ARGUMENT", "Invalid JSON payload received."}
	}
	if v := r.FormValue("valueInputOption"); v != "RAW" && v != "USER_ENTERED" {
		return nil, &fault{400, "INVALID_ARGUMENT", "'valueInputOption' is required but not specified"}
	}
	return in.Values, nil
}

func (t *Twin) putValues(_ account.Account, r *http.Request) (any, *fault) {
	fresh, f := values(r)
	if f != nil {
		return nil, f
	}
	rows, a, f := t.area(r, r.PathValue("range"))
	if f != nil {
		return nil, f
	}
	n := 0
	for i, row := range fresh {
		for len(rows) <= a.top+i {
			rows = append(rows, nil)
		}
		for j, v := range row {
			for len(rows[a.top+i]) <= a.left+j {
				rows[a.top+i] = append(rows[a.top+i], "")
			}
			rows[a.top+i][a.left+j] = v
			n++
		}
	}
	t.store(r, a, rows)
	return map[string]any{"updatedRange": r.PathValue("range"), "updatedRows": len(fresh), "updatedCells": n}, nil
}

func (t *Twin) store(r *http.Request, a area, rows [][]any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sheets[r.PathValue("id")][a.sheet] = rows
}

func (t *Twin) appendValues(_ account.Account, r *http.Request) (any, *fault) {
	text, ok := strings.CutSuffix(r.PathValue("range"), ":append")
	if !ok {
		return nil, &fault{404, "NOT_FOUND", "Requested entity was not found."}
	}
	fresh, f := values(r)
	if f != nil {
		return nil, f
	}
	rows, a, f := t.area(r, text)
	if f != nil {
		return nil, f
	}
	first := len(rows) + 1
	t.store(r, a, append(rows, fresh...))
	return map[string]any{"spreadsheetId": r.PathValue("id"), "updates": map[string]any{"updatedRange": fmt.Sprintf("%s!A%d", a.sheet, first), "updatedRows": len(fresh)}}, nil
}

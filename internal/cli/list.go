package cli

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// column is one of a list's columns.
type column[T any] struct {
	title string
	of    func(T) string
}

// listFlags are the flags that all lists have.
type listFlags struct{ columns, fields, filters []string }

func (f *listFlags) add(c *cobra.Command) *cobra.Command {
	flags := c.Flags()
	flags.StringSliceVar(&f.columns, "columns", nil, "print these `columns` alone, in this order: NAME,ID")
	flags.StringSliceVar(&f.fields, "json", nil, "print JSON with these `fields` alone: name,id")
	flags.StringArrayVar(&f.filters, "filter", nil, "only rows that have this `TEXT` in a column, or COLUMN=TEXT in that one; capitals do not count; several must all hold")
	return c
}

// asJSON says whether a list is printed as JSON.
func (a *app) asJSON(f *listFlags) bool { return a.output == "json" || len(f.fields) > 0 }

// printList prints a list: as JSON, as ids alone with -q, or as a table. Of an empty
// one, people are told none, where there is a word for it, and see no head.
func printList[T any](a *app, f *listFlags, list []T, none string, id func(T) string, columns []column[T]) error {
	shown, err := chosenColumns(f.columns, columns)
	if err != nil {
		return err
	}
	if len(list) > 0 && len(f.filters) > 0 {
		none = "nothing of them fits the filter"
	}
	if list, err = filtered(f.filters, list, columns); err != nil {
		return err
	}
	switch {
	case a.quiet && len(f.fields) == 0:
		for _, one := range list {
			if _, err := fmt.Fprintln(a.Out, safe(id(one))); err != nil {
				return err
			}
		}
		return nil
	case a.asJSON(f):
		return a.chosenFields(f.fields, emptyList(list))
	}
	if len(list) == 0 && none != "" {
		a.say("%s", none)
		return nil
	}
	rows := [][]string{make([]string, len(shown))}
	for i, c := range shown {
		rows[0][i] = c.title
	}
	for _, one := range list {
		row := make([]string, len(shown))
		for i, c := range shown {
			row[i] = c.of(one)
		}
		rows = append(rows, row)
	}
	return a.table(rows)
}

// chosenColumns are the columns that were asked for; all, where none were.
func chosenColumns[T any](names []string, all []column[T]) ([]column[T], error) {
	if len(names) == 0 {
		return all, nil
	}
	var out []column[T]
	for _, name := range names {
		c, err := columnOf(name, all)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func columnOf[T any](name string, all []column[T]) (column[T], error) {
	name = strings.ReplaceAll(strings.TrimSpace(name), "_", " ")
	i := slices.IndexFunc(all, func(c column[T]) bool { return strings.EqualFold(c.title, name) })
	if i < 0 {
		titles := make([]string, len(all))
		for i, c := range all {
			titles[i] = c.title
		}
		return column[T]{}, usagef("there is no column %q: there are %s", name, strings.Join(titles, ", "))
	}
	return all[i], nil
}

// filtered leaves those out that a filter does not let through.
func filtered[T any](filters []string, list []T, all []column[T]) ([]T, error) {
	for _, filter := range filters {
		columns, text := all, filter
		if name, rest, named := strings.Cut(filter, "="); named {
			c, err := columnOf(name, all)
			if err != nil {
				return nil, err
			}
			columns, text = []column[T]{c}, rest
		}
		text = strings.ToLower(text)
		list = slices.DeleteFunc(slices.Clone(list), func(one T) bool {
			return !slices.ContainsFunc(columns, func(c column[T]) bool { return strings.Contains(strings.ToLower(c.of(one)), text) })
		})
	}
	return list, nil
}

// chosenFields prints a list as JSON, each item with the fields that were asked for.
func (a *app) chosenFields(names []string, list any) error {
	if len(names) == 0 {
		return a.json(list)
	}
	there := fieldsOf(reflect.TypeOf(list).Elem())
	for _, name := range names {
		if !slices.Contains(there, name) {
			return usagef("there is no field %q: there are %s", name, strings.Join(there, ", "))
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	var items []map[string]json.RawMessage
	if err := json.Unmarshal(text, &items); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	for _, item := range items {
		for name := range item {
			if !slices.Contains(names, name) {
				delete(item, name)
			}
		}
	}
	return a.json(items)
}

// fieldsOf are the names that a type's fields have in JSON.
func fieldsOf(t reflect.Type) (out []string) {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			out = append(out, fieldsOf(f.Type)...)
		case f.IsExported() && name != "" && name != "-":
			out = append(out, name)
		}
	}
	return out
}

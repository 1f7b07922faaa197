package policy

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// fillTable copies a decoded table into a raw struct. The decoder could do so itself, but it
// ignores case, stops at the first value of a wrong type and loses the index of repeated tables.
func (p *parser) fillTable(path string, table map[string]any, dst reflect.Value) {
	known := rawFields(dst.Type())
	for _, name := range p.inFileOrder(path, table) {
		key := joinKey(path, name)
		field, ok := known[name]
		if !ok {
			p.unknown(path, name, table[name], dst.Type())
			continue
		}
		p.fill(key, table[name], dst.FieldByIndex(field.Index), field.Tag.Get("want"))
	}
}

// fill copies one decoded value into a field of a raw struct, or adds the problem that it is not
// what is wanted there.
func (p *parser) fill(path string, value any, dst reflect.Value, want string) {
	switch dst.Kind() {
	case reflect.Struct:
		if table, ok := value.(map[string]any); ok {
			p.fillTable(path, table, dst)
			return
		}
	case reflect.Slice:
		if list := reflect.ValueOf(value); list.Kind() == reflect.Slice {
			dst.Set(reflect.MakeSlice(dst.Type(), list.Len(), list.Len()))
			for i := range list.Len() {
				p.fill(joinIndex(path, i), list.Index(i).Interface(), dst.Index(i), want)
			}
			return
		}
	case reflect.Pointer:
		if table, ok := value.(map[string]any); ok && rawTable(dst.Type()) != nil {
			dst.Set(reflect.New(dst.Type().Elem()))
			p.fillTable(path, table, dst.Elem())
			return
		}
		if v := reflect.ValueOf(value); v.Type() == dst.Type().Elem() {
			dst.Set(reflect.New(v.Type()))
			dst.Elem().Set(v)
			return
		}
	case reflect.Interface:
		dst.Set(reflect.ValueOf(value))
		return
	}
	p.problem(path, "is %s, must be %s", describe(value), cmp.Or(wanted(path, dst.Type(), want), want, "a string in quotes"))
}

// inFileOrder returns the keys of a table by line, so that of too many problems the first ones
// are kept, and any order of the map gives the same report.
func (p *parser) inFileOrder(path string, table map[string]any) []string {
	names := slices.Collect(maps.Keys(table))
	lines := make(map[string]int, len(names))
	for _, name := range names {
		lines[name] = p.at.line(joinKey(path, name))
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(lines[a], lines[b]), strings.Compare(a, b))
	})
	return names
}

// rawFields returns the fields of a raw struct by the name of their key.
func rawFields(t reflect.Type) map[string]reflect.StructField {
	fields := make(map[string]reflect.StructField, t.NumField())
	for i := range t.NumField() {
		fields[t.Field(i).Tag.Get("toml")] = t.Field(i)
	}
	return fields
}

// wanted names what a field of a raw type takes, where its want tag does not say it.
func wanted(path string, t reflect.Type, want string) string {
	header := rawTable(t) != nil && want == ""
	switch {
	case header && t.Kind() == reflect.Struct:
		return "a single table, written " + rawHeader(withoutIndexes(path))
	case header:
		return "a repeated table, written " + rawHeader(withoutIndexes(path))
	case t.Kind() == reflect.Slice:
		return "an array in square brackets"
	case t == reflect.TypeFor[*int64]():
		return "an integer without quotes"
	case t == reflect.TypeFor[*bool]():
		return "true or false without quotes"
	}
	return ""
}

// describe names the TOML type of a decoded value, and the value where it is short.
func describe(value any) string {
	switch v := value.(type) {
	case string:
		return "the string " + quote(v)
	case int64:
		return fmt.Sprintf("the integer %d", v)
	case float64:
		return fmt.Sprintf("the float %v", v)
	case bool:
		return fmt.Sprintf("the boolean %v", v)
	case time.Time:
		return "a date or time"
	case map[string]any:
		return "a table"
	case []map[string]any:
		return "a repeated table"
	}
	return "an array"
}

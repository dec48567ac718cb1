package config

import (
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

const hidden = "(hidden)"

// A Setting is a line of what is in force.
type Setting struct {
	Variable string // the name in the environment: STAGEDOOR_HTTP
	Value    string // as text, secrets hidden
}

// Settings lists what is in force, in the order of Config, for an operator to read. Of URLs the password is hidden, of other
// secrets everything.
func (c Config) Settings() []Setting { return settings(reflect.ValueOf(c), "") }

// String is one line of Settings, so that a Config that is printed by mistake shows no secret either.
func (c Config) String() string { return line(c.Settings()) }

// GoString is String.
func (c Config) GoString() string { return c.String() }

// String shows no secret.
func (t Trace) String() string { return line(settings(reflect.ValueOf(t), "")) }

// GoString is String.
func (t Trace) GoString() string { return t.String() }

// String shows no secret.
func (m Mail) String() string { return line(settings(reflect.ValueOf(m), "")) }

// GoString is String.
func (m Mail) GoString() string { return m.String() }

// String shows no secret.
func (o Outbound) String() string { return line(settings(reflect.ValueOf(o), "")) }

// GoString is String.
func (o Outbound) GoString() string { return o.String() }

func line(list []Setting) string {
	var out []string
	for _, s := range list {
		out = append(out, s.Variable+"="+s.Value)
	}
	return strings.Join(out, " ")
}

func settings(v reflect.Value, prefix string) (out []Setting) {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		if inner, found := field.Tag.Lookup("envprefix"); found {
			out = append(out, settings(value, prefix+inner)...)
			continue
		}
		text := fmt.Sprint(value.Interface())
		switch value.Kind() {
		case reflect.Slice:
			text = strings.Join(strings.Fields(strings.Trim(text, "[]")), ",")
		case reflect.Map:
			text = pairs(value.Interface().(map[string]string))
		}
		out = append(out, Setting{prefix + field.Tag.Get("env"), mask(field.Tag.Get("secret"), text)})
	}
	return out
}

// pairs is a map as its flag takes it.
func pairs(m map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, name+"="+m[name])
	}
	return strings.Join(out, ";")
}

func mask(kind, text string) string {
	switch {
	case text == "" || kind == "":
		return text
	case kind == "url" && !strings.Contains(text, "://"): // the file of a database
		return text
	case kind == "url":
		u, err := url.Parse(text)
		if err != nil {
			return hidden
		}
		query := u.Query()
		for name := range query {
			if strings.Contains(strings.ToLower(name), "password") {
				query.Set(name, "xxxxx")
			}
		}
		u.RawQuery = query.Encode()
		return u.Redacted()
	}
	return hidden
}

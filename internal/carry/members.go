package carry

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// members are the members of a row of an export, read as what they should be; lost notes those that are something else.
type members struct {
	all  map[string]json.RawMessage
	lost *[]Loss
}

// given is a member's value, nil if there is none.
func (m members) given(name string) json.RawMessage {
	if raw := m.all[name]; len(raw) > 0 && !isNull(raw) {
		return raw
	}
	return nil
}

func (m members) lose(name, reason string) { *m.lost = append(*m.lost, Loss{name, reason}) }

func (m members) text(name string) string {
	raw := m.given(name)
	if raw == nil {
		return ""
	}
	var s string
	switch {
	case json.Unmarshal(raw, &s) != nil:
		m.lose(name, "it is no text")
	case len(s) > maxText:
		m.lose(name, "it is longer than "+strconv.Itoa(maxText)+" bytes")
	}
	return text(raw)
}

func (m members) truth(name string) bool {
	raw := m.given(name)
	if raw == nil {
		return false
	}
	yes, known := truth(raw)
	if !known {
		m.lose(name, "it is neither true nor false: false stands in its place")
	}
	return yes
}

func (m members) moment(name string) time.Time {
	raw := m.given(name)
	if raw == nil {
		return time.Time{}
	}
	at := moment(raw)
	if at.IsZero() {
		m.lose(name, "it is no time between 1970 and 3000")
	}
	return at
}

func (m members) count(name string) int {
	raw := m.given(name)
	if raw == nil {
		return 0
	}
	n, err := strconv.ParseInt(number(raw), 10, 32)
	if err != nil || n < 0 {
		m.lose(name, "it is no count")
		return 0
	}
	return int(n)
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil || len(s) > maxText {
		return ""
	}
	return strings.TrimSpace(s)
}

// truth reads true and false, also as texts and as 1 and 0.
func truth(raw json.RawMessage) (yes, known bool) {
	switch strings.ToLower(strings.Trim(string(raw), `"`)) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// number is the text of a number, which may be a text itself or what databases export: {"$numberLong": "7"}.
func number(raw json.RawMessage) string {
	var in map[string]json.RawMessage
	if json.Unmarshal(raw, &in) == nil && len(in) == 1 {
		for _, name := range []string{"$numberLong", "$numberInt"} {
			if len(in[name]) > 0 {
				raw = in[name]
			}
		}
	}
	return strings.Trim(string(raw), `"`)
}

// momentForms are how exports write times; those without a zone are UTC.
var momentForms = []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02"}

// moment reads a time as JSON, or as databases export it: {"$date": …}, with a text or with milliseconds. What is none is zero.
func moment(raw json.RawMessage) time.Time {
	var in map[string]json.RawMessage
	if json.Unmarshal(raw, &in) == nil && len(in) == 1 && len(in["$date"]) > 0 {
		raw = in["$date"]
		if ms, err := strconv.ParseInt(number(raw), 10, 64); err == nil {
			return reasonable(time.UnixMilli(ms))
		}
	}
	for _, form := range momentForms {
		if t, err := time.Parse(form, text(raw)); err == nil {
			return reasonable(t)
		}
	}
	return time.Time{}
}

// reasonable is a time that can be kept: the beginning of 1970 stands for none.
func reasonable(t time.Time) time.Time {
	if t.UnixMilli() <= 0 || t.Year() >= 3000 {
		return time.Time{}
	}
	return t.UTC()
}

package rehearsal

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Difference is one place in which two JSON values differ. A side that has nothing there is nil.
type Difference struct {
	Path string `json:"path"`
	Want any    `json:"want"`
	Got  any    `json:"got"`
}

// differences compares two JSON values member by member. With part, what is not mentioned by want may be there all the same, at every
// depth of objects; a wanted null is nothing.
func differences(path string, want, got any, part bool) []Difference {
	wanted, isObject := want.(map[string]any)
	have, same := got.(map[string]any)
	if isObject && same {
		var out []Difference
		names := slices.Collect(maps.Keys(wanted))
		if !part {
			names = append(names, slices.Collect(maps.Keys(have))...)
		}
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			out = append(out, differences(member(path, name), wanted[name], have[name], part)...)
		}
		return out
	}
	wantedList, isList := want.([]any)
	haveList, same := got.([]any)
	if isList && same && len(wantedList) == len(haveList) {
		var out []Difference
		for i := range wantedList {
			out = append(out, differences(path+"["+strconv.Itoa(i)+"]", wantedList[i], haveList[i], part)...)
		}
		return out
	}
	if reflect.DeepEqual(want, got) {
		return nil
	}
	return []Difference{{Path: path, Want: want, Got: got}}
}

// member is the path of a member, quoted where it is no plain name.
func member(path, name string) string {
	if strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) || name == "" {
		return path + "[" + strconv.Quote(name) + "]"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// value is a JSON text as differences takes it; nil for no JSON.
func value(text []byte) any {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return nil
	}
	return v
}

func compact(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(b)
}

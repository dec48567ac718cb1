package form

import (
	"crypto/md5"  //nolint:gosec // as flows ask for it
	"crypto/sha1" //nolint:gosec // as flows ask for it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"maps"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/stagedoor/stagedoor"
)

// functions are those of templates. Each gets at least as many arguments as it names; what is missing is nil. Positions in texts count as
// JavaScript does, in UTF-16 units.
var functions = map[string]struct {
	least int
	call  func(e *Env, a []any) any
}{
	"toString":  {1, func(_ *Env, a []any) any { return Text(a[0]) }},
	"toNumber":  {1, func(_ *Env, a []any) any { return number(a[0]) }},
	"toBoolean": {1, func(_ *Env, a []any) any { return truthy(a[0]) }},
	"toArray": {1, func(_ *Env, a []any) any {
		if list, is := a[0].([]any); is {
			return list
		}
		return []any{a[0]}
	}},
	"length": {1, func(_ *Env, a []any) any {
		switch v := a[0].(type) {
		case []any:
			return float64(len(v))
		case map[string]any:
			return float64(len(v))
		}
		return float64(len(units(a[0])))
	}},
	"mask":      {1, func(_ *Env, a []any) any { return a[0] }}, // nothing of a run is shown anywhere
	"slice":     {3, func(_ *Env, a []any) any { return slice(a[0], a[1], a[2], true) }},
	"substring": {3, func(_ *Env, a []any) any { return slice(a[0], a[1], a[2], false) }},
	"random": {3, func(_ *Env, a []any) any {
		low, high := finite(a[0]), finite(a[1])
		if high < low {
			low, high = high, low
		}
		if truthy(a[2]) {
			return low + rand.Float64()*(high-low) //nolint:gosec // no secret
		}
		return math.Floor(low + rand.Float64()*(math.Floor(high)-low+1)) //nolint:gosec // no secret
	}},
	"toTimestamp": {0, func(e *Env, a []any) any {
		if len(a) == 0 {
			return float64(e.Now.Unix())
		}
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04", "2006-01-02"} {
			if t, err := time.Parse(layout, Text(a[0])); err == nil {
				return float64(t.Unix())
			}
		}
		return nil
	}},
	"now":        {0, func(e *Env, _ []any) any { return e.Now.UTC().Format("2006-01-02T15:04:05.000Z") }},
	"replaceAll": {3, func(_ *Env, a []any) any { return replaced(Text(a[0]), Text(a[1]), Text(a[2]), -1) }},
	"replace":    {3, func(_ *Env, a []any) any { return replaced(Text(a[0]), Text(a[1]), Text(a[2]), 1) }},
	"split": {2, func(_ *Env, a []any) any {
		out := []any{}
		for _, part := range strings.SplitN(Text(a[0]), Text(a[1]), 1000) {
			out = append(out, part)
		}
		if len(a) > 2 {
			out = out[:min(len(out), max(0, int(finite(a[2]))))]
		}
		return out
	}},
	"includes": {2, func(_ *Env, a []any) any { return index(a) >= 0 }},
	"indexOf":  {2, func(_ *Env, a []any) any { return float64(index(a)) }},
	"merge": {2, func(_ *Env, a []any) any {
		switch base := a[0].(type) {
		case []any:
			if more, is := a[1].([]any); is {
				return slices.Concat(base, more)
			}
			return append(slices.Clone(base), a[1])
		case map[string]any:
			out := maps.Clone(base)
			if more, is := a[1].(map[string]any); is {
				maps.Copy(out, more)
			}
			return out
		}
		return Text(a[0]) + Text(a[1])
	}},
	"md5":                {1, func(_ *Env, a []any) any { return hashes["MD5"](Text(a[0])) }},
	"sha1":               {1, func(_ *Env, a []any) any { return hashes["SHA1"](Text(a[0])) }},
	"sha256":             {1, func(_ *Env, a []any) any { return hashes["SHA256"](Text(a[0])) }},
	"sha512":             {1, func(_ *Env, a []any) any { return hashes["SHA512"](Text(a[0])) }},
	"uuid":               {0, func(*Env, []any) any { return stagedoor.NewUUID() }},
	"encodeURIComponent": {1, func(_ *Env, a []any) any { return strings.ReplaceAll(url.QueryEscape(Text(a[0])), "+", "%20") }},
}

// hashes are what passwords can be hashed by before they are kept as an answer.
var hashes = map[string]func(string) string{
	"": func(s string) string { return s }, "NONE": func(s string) string { return s },
	"MD5":    func(s string) string { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]) },  //nolint:gosec // as above
	"SHA1":   func(s string) string { sum := sha1.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }, //nolint:gosec // as above
	"SHA256": func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) },
	"SHA512": func(s string) string { sum := sha512.Sum512([]byte(s)); return hex.EncodeToString(sum[:]) },
}

func number(v any) any {
	switch v := v.(type) {
	case nil:
		return float64(0)
	case bool:
		if v {
			return float64(1)
		}
		return float64(0)
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(Text(v)), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return nil
	}
	return n
}

// finite is a number to count with, 0 for what is none.
func finite(v any) float64 {
	n, _ := number(v).(float64)
	return min(max(n, -1e15), 1e15)
}

func truthy(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case float64:
		return v != 0 && !math.IsNaN(v)
	case string:
		return v != "" && v != "false" && v != "0"
	}
	return true
}

func units(v any) []uint16 { return utf16.Encode([]rune(Text(v))) }

// slice is a part of a text or list; negative positions count from the end, or are the beginning.
func slice(v, from, to any, fromEnd bool) any {
	list, isList := v.([]any)
	text := units(v)
	n := len(text)
	if isList {
		n = len(list)
	}
	at := func(p any, otherwise int) int {
		if p == nil {
			return otherwise
		}
		i := int(finite(p))
		if i < 0 && fromEnd {
			i += n
		}
		return min(max(i, 0), n)
	}
	i, j := at(from, 0), at(to, n)
	if i > j && !fromEnd {
		i, j = j, i
	}
	j = max(i, j)
	if isList {
		return slices.Clone(list[i:j])
	}
	return string(utf16.Decode(text[i:j]))
}

// replaced bounds what is made before it is made.
func replaced(s, old, by string, n int) any {
	if strings.Count(s, old)*max(0, len(by)-len(old)) > maxText && n < 0 {
		return s[:0]
	}
	return strings.Replace(s, old, by, n)
}

func index(a []any) int {
	from := 0
	if len(a) > 2 {
		from = max(0, int(finite(a[2])))
	}
	if list, is := a[0].([]any); is {
		for i := min(from, len(list)); i < len(list); i++ {
			if same(list[i], a[1]) {
				return i
			}
		}
		return -1
	}
	text := Text(a[0])
	from = min(from, len(text))
	if i := strings.Index(text[from:], Text(a[1])); i >= 0 {
		return i + from
	}
	return -1
}

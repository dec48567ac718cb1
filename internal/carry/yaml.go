package carry

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/stagedoor/stagedoor/internal/web"
)

// maxUnfolded bounds what a YAML file may unfold to, in bytes: aliases multiply.
const maxUnfolded = 64 << 20

// valueSize is what a value counts besides its text, in bytes.
const valueSize = 32

// readYAML reads a YAML text as the JSON that it means.
func readYAML(name, text string) (map[string]any, error) {
	var v any
	err := yaml.Unmarshal([]byte(text), &v)
	if keyword := keywordJSON.FindString(text); err != nil && keyword != "" { // which no YAML value begins with
		if again := yaml.Unmarshal([]byte(loneKeyword.ReplaceAllString(text, `$1"$2"$3`)), &v); again != nil {
			return nil, fmt.Errorf("%s is not YAML that can be used: %w; the keyword %s has no value: give it one, as with --set %s=VALUE", name, err, keyword, bareKeyword(keyword))
		}
	} else if err != nil {
		return nil, fmt.Errorf("%s is not YAML that can be used: %w", name, err)
	}
	left := maxUnfolded
	plain, err := plainYAML(v, &left, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if plain == nil {
		return map[string]any{}, nil
	}
	m, is := plain.(map[string]any)
	if !is {
		return nil, fmt.Errorf("%s is no mapping", name)
	}
	return m, nil
}

// plainYAML is a value as JSON has it.
func plainYAML(v any, left *int, depth int) (any, error) {
	text, _ := v.(string)
	if *left -= valueSize + len(text); *left < 0 {
		return nil, fmt.Errorf("it unfolds to more than %d MB", maxUnfolded>>20)
	}
	if depth > web.MaxDepth {
		return nil, fmt.Errorf("it is nested deeper than %d levels", web.MaxDepth)
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			plain, err := plainYAML(value, left, depth+1)
			if err != nil {
				return nil, err
			}
			out[name] = plain
		}
		return out, nil
	case map[any]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			plain, err := plainYAML(value, left, depth+1)
			if err != nil {
				return nil, err
			}
			out[fmt.Sprint(name)] = plain
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i := range v {
			plain, err := plainYAML(v[i], left, depth+1)
			if err != nil {
				return nil, err
			}
			out[i] = plain
		}
		return out, nil
	case time.Time:
		return v.Format(time.RFC3339Nano), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("it holds a number that JSON does not have")
		}
		b, err := json.Marshal(v)
		return json.Number(b), err
	case int, int64, uint64:
		return json.Number(fmt.Sprint(v)), nil
	case string:
		if strings.ContainsRune(v, 0) {
			return nil, fmt.Errorf("a text holds a NUL character")
		}
	}
	return v, nil
}

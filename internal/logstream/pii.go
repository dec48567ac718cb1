package logstream

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/stagedoor/stagedoor"
)

// personal are the members, anywhere in an event, that each field of a pii_config stands for.
var personal = map[string][]string{
	"first_name": {"given_name", "first_name", "name"},
	"last_name":  {"family_name", "last_name", "name"},
	"username":   {"username", "user_name"},
	"email":      {"email", "user_name"},
	"phone":      {"phone_number", "phone", "old_phone_number", "new_phone_number"},
	"address":    {"address"},
}

// veil returns an event in which what pii_config names is masked or hashed.
func veil(event any, pii *stagedoor.PIIConfig) (any, error) {
	if pii == nil || len(pii.LogFields) == 0 {
		return event, nil
	}
	b, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal(b, &tree); err != nil {
		return nil, err
	}
	var names []string
	for _, field := range pii.LogFields {
		names = append(names, personal[field]...)
	}
	cover(tree, names, pii.Method == "hash")
	return tree, nil
}

func cover(v any, names []string, hash bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			text, isText := value.(string)
			if !slices.Contains(names, strings.ToLower(name)) || isText && text == "" {
				cover(value, names, hash)
				continue
			}
			if hash && isText {
				v[name] = strconv.FormatUint(xxhash.Sum64String(text), 16)
			} else {
				v[name] = "*****"
			}
		}
	case []any:
		for _, value := range v {
			cover(value, names, hash)
		}
	}
}

package stagedoor

import (
	"encoding/json"
	"reflect"
	"strings"
)

// marshalStored writes the fields of a record and, beside them, the members that
// are only kept.
func marshalStored(fields any, stored map[string]json.RawMessage) ([]byte, error) {
	b, err := json.Marshal(fields)
	if err != nil || len(stored) == 0 {
		return b, err
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	for k, v := range stored {
		if _, taken := all[k]; !taken {
			all[k] = v
		}
	}
	return json.Marshal(all)
}

// unmarshalStored reads the fields of a record and returns the members that
// it has no field for, nil if there are none.
func unmarshalStored(b []byte, fields any) (map[string]json.RawMessage, error) {
	if err := json.Unmarshal(b, fields); err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(fields).Elem()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		delete(all, name)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

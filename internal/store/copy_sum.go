package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A tableSum is the sum of the hashes of a table's rows: the same in any order.
type tableSum struct {
	rows   int64
	lo, hi uint64
}

// String shows the sum in hexadecimal.
func (s tableSum) String() string { return fmt.Sprintf("%016x%016x", s.hi, s.lo) }

// add takes a row in. Documents count by what they mean, as the two databases write them differently (ADR 0002).
func (s *tableSum) add(t *catalogTable, row []any) error {
	var b []byte
	for i, column := range t.columns {
		value := row[i]
		if text, is := value.(string); is && column.kind == kindJSON {
			canonical, err := canonicalJSON(text)
			if err != nil {
				return fmt.Errorf("the column %s holds no document: %w", column.name, err)
			}
			value = canonical
		}
		b = appendValue(b, value)
	}
	sum := sha256.Sum256(b)
	s.rows++
	s.lo += binary.BigEndian.Uint64(sum[:8])
	s.hi += binary.BigEndian.Uint64(sum[8:16])
	return nil
}

// appendValue writes a value with its kind and length, so that no two rows look the same.
func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, 0)
	case int64:
		return binary.BigEndian.AppendUint64(append(b, 1), uint64(v)) //nolint:gosec // bits
	case bool:
		if v {
			return append(b, 2, 1)
		}
		return append(b, 2, 0)
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 3), math.Float64bits(v))
	case string:
		return append(binary.BigEndian.AppendUint64(append(b, 4), uint64(len(v))), v...)
	case []byte:
		return append(binary.BigEndian.AppendUint64(append(b, 5), uint64(len(v))), v...)
	}
	panic(fmt.Sprintf("a value of the type %T was read", value))
}

// canonicalJSON is the same text for every way to write a document: keys sorted, the last of duplicates, numbers by their value.
func canonicalJSON(text string) (string, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return "", err
	}
	var b bytes.Buffer
	writeCanonical(&b, v)
	return b.String(), nil
}

func writeCanonical(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		b.WriteByte('{')
		for _, k := range keys {
			b.WriteString(strconv.Quote(k))
			b.WriteByte(':')
			writeCanonical(b, v[k])
			b.WriteByte(',')
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for _, one := range v {
			writeCanonical(b, one)
			b.WriteByte(',')
		}
		b.WriteByte(']')
	case json.Number:
		b.WriteString(canonicalNumber(v.String()))
	case string:
		b.WriteString(strconv.Quote(v))
	default:
		fmt.Fprint(b, v)
	}
}

// canonicalNumber writes a JSON number as its digits, without zeros around them, and a power of ten.
func canonicalNumber(text string) string {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	power, _ := strconv.Atoi(strings.TrimPrefix(exponent, "+")) // empty is 0; storableNumber has bounded it
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	power -= len(fraction)
	trimmed := strings.TrimRight(digits, "0")
	power += len(digits) - len(trimmed)
	if trimmed = strings.TrimLeft(trimmed, "0"); trimmed == "" {
		return "0"
	}
	return sign + trimmed + "e" + strconv.Itoa(power)
}

package script

import (
	"regexp"
	"sync"
	"time"
	_ "time/tzdata" // where the machine has none

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// zoneName is how names of time zones look. What a machine keeps beside them, such as right/ with its leap seconds, is none for scripts.
var zoneName = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$`)

// zoneOffset tells how many seconds a time zone is ahead of UTC at a time in milliseconds since 1970.
func zoneOffset(o operands) (any, error) {
	name := o.text(0)
	invalid := &operationError{Name: "RangeError", Message: "Invalid time zone specified: " + name}
	if !zoneName.MatchString(name) || name == "Local" {
		return nil, invalid
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, invalid
	}
	_, offset := time.UnixMilli(int64(number(o[1]))).In(zone).Zone()
	return float64(offset), nil
}

// collators hold buffers, and serve one comparison at a time.
var collators struct {
	sync.Mutex
	bySensitivity map[string]*collate.Collator
}

// compareTexts is the order of the Unicode collation algorithm with the root table, as Node.js has it for English.
func compareTexts(o operands) (any, error) {
	collators.Lock()
	defer collators.Unlock()
	c := collators.bySensitivity[o.text(0)]
	if c == nil {
		options := map[string][]collate.Option{"base": {collate.Loose}, "accent": {collate.IgnoreCase}}
		c = collate.New(language.Und, options[o.text(0)]...)
		if collators.bySensitivity == nil {
			collators.bySensitivity = make(map[string]*collate.Collator)
		}
		collators.bySensitivity[o.text(0)] = c
	}
	return float64(c.CompareString(o.text(1), o.text(2))), nil
}

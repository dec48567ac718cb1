package login

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/stagedoor/stagedoor/ui"
)

// People see all that they agree to, whatever shape it has.
func TestDetails(t *testing.T) {
	got, err := details(json.RawMessage(`[{"type":"payment","to":"Songs","amount":12.5,"lines":["a","b"],"from":{"iban":"DE1","name":"Ada"},"now":true,"cents":9007199254740993,"most":1.20e21},{"type":"look"}]`))
	want := []ui.ScopeGroup{
		{Title: "payment", Items: []string{"amount: 12.5", "cents: 9007199254740993", "from: iban DE1, name Ada", "lines: a, b", "most: 1200000000000000000000", "now: true", "to: Songs"}}, {Title: "look"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := details(nil); got != nil || err != nil {
		t.Errorf("of none: %v, %v", got, err)
	}
}

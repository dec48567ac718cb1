package job

import (
	"fmt"
	"testing"

	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/connection"
)

// TestSeen: of a row is remembered what the file has of it, and no id that is made for it.
func TestSeen(t *testing.T) {
	im := &importer{conn: &stagedoor.Connection{Name: "Users"}, limit: 1000, identify: connection.Identify, seen: newSeen()}
	for i := range 10 {
		if row := im.row(fmt.Appendf(nil, `{"email":"u%d@x.test"}`, i)); row.Error != nil {
			t.Fatal(row.Error)
		}
	}
	if n := len(im.seen.keys); n != 10 {
		t.Errorf("%d identifiers are remembered", n)
	}
	for row, path := range map[string]string{
		`{"email":"U7@x.test"}`: "email", `{"email":"a@x.test","user_id":"a"}`: "", `{"email":"b@x.test","user_id":"b"}`: "",
	} {
		if got := im.row([]byte(row)).Error; got == nil && path != "" || got != nil && got.Path != path {
			t.Errorf("%s: %v", row, got)
		}
	}
	if got := im.row([]byte(`{"email":"c@x.test","user_id":"auth0|b"}`)).Error; got == nil || got.Path != "user_id" {
		t.Errorf("an id twice: %v", got)
	}
}

package web

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Paging is the offset paging of lists (Management API fact sheet 1.4). Embed it in the struct of a query.
type Paging struct {
	Page          int      `json:"page" schema:"min=0,max=10000000" doc:"Page index of the results to return. First page is 0"`
	PerPage       Opt[int] `json:"per_page" schema:"notnull,min=0,max=100" doc:"Number of results per page"`
	IncludeTotals bool     `json:"include_totals" doc:"Return results inside an object that contains the total result count (true) or as a direct array of results (false, default)"`
}

// Size returns how many items a page has: 50 unless asked otherwise.
func (p Paging) Size() int { return p.PerPage.Or(50) }

// Start returns the index of the first item.
func (p Paging) Start() int { return p.Page * p.Size() }

// Cut returns the page of all.
func Cut[T any](p Paging, all []T) []T {
	from := min(p.Start(), len(all))
	return all[from:min(from+p.Size(), len(all))]
}

// Envelope returns a page as the wire shows it: a bare list, or with include_totals an object that holds it as key. It
// never holds null.
func Envelope[T any](p Paging, key string, items []T, total int) any {
	if items == nil {
		items = []T{}
	}
	if !p.IncludeTotals {
		return items
	}
	return map[string]any{"start": p.Start(), "limit": p.Size(), "total": total, key: items}
}

// Link returns the Link header of a page (RFC 8288): first, next if there is one, last.
func (p Paging) Link(u *url.URL, total int) string {
	size := p.Size()
	if size == 0 {
		return ""
	}
	to := func(page int, rel string) string {
		query := u.Query()
		query.Set("page", strconv.Itoa(page))
		query.Set("per_page", strconv.Itoa(size))
		return fmt.Sprintf("<%s?%s>; rel=%q", u.EscapedPath(), query.Encode(), rel)
	}
	last := max(0, (total-1)/size)
	links := []string{to(0, "first")}
	if p.Page < last {
		links = append(links, to(p.Page+1, "next"))
	}
	return strings.Join(append(links, to(last, "last")), ", ")
}

// Checkpoint is the other paging of lists: take items after the one that from names. It wins over Paging.
type Checkpoint struct {
	From string   `json:"from" schema:"max=1000" doc:"Opaque identifier of the last item of the page before"`
	Take Opt[int] `json:"take" schema:"notnull,min=1,max=100" doc:"Number of results per page"`
}

// Asked tells whether the caller pages by checkpoint.
func (c Checkpoint) Asked() bool { return c.From != "" || c.Take.Set }

// After returns the items after the checkpoint and the checkpoint behind them, empty at the end. The id of an item must
// neither change nor depend on the others, and hold no newline. A checkpoint names the item before and the one behind, so that who
// deletes what they have seen can go on; one of which both are gone is a Violation.
func After[T any](c Checkpoint, all []T, id func(T) string) (items []T, next string, v *Violation) {
	start := 0
	if last, following := c.Around(); c.From != "" {
		start = -1
		for i, item := range all {
			switch this := id(item); {
			case this == last:
				start = i + 1
			case this == following && start < 0:
				start = i
			}
		}
		if start < 0 {
			return nil, "", WrongCheckpoint()
		}
	}
	items, next = First(c, all[start:], id)
	return items, next, nil
}

// Around are the ids of the items before and behind a checkpoint that After, or First, has written; of another text they are the id of nothing.
func (c Checkpoint) Around() (last, following string) {
	both, err := base64.RawURLEncoding.DecodeString(c.From)
	if err != nil {
		return "", ""
	}
	last, following, _ = strings.Cut(string(both), "\n")
	return last, following
}

// First is the page of all that stand behind the checkpoint, or of as many of them as make more than a page, and the checkpoint behind it.
func First[T any](c Checkpoint, all []T, id func(T) string) (items []T, next string) {
	end := min(c.Take.Or(50), len(all))
	if end < len(all) {
		next = base64.RawURLEncoding.EncodeToString([]byte(id(all[end-1]) + "\n" + id(all[end])))
	}
	return all[:end], next
}

// AfterID is After for items in the order of their ids: whose checkpoint names an item that is gone goes on where that was.
func AfterID[T any](c Checkpoint, all []T, id func(T) string) (items []T, next string, v *Violation) {
	last, v := c.LastID()
	if v != nil {
		return nil, "", v
	}
	start := 0
	for start < len(all) && id(all[start]) <= last {
		start++
	}
	end := min(start+c.Take.Or(50), len(all))
	if start < end && end < len(all) {
		next = CheckpointID(id(all[end-1]))
	}
	return all[start:end], next, nil
}

// LastID is the id of the item before, of a checkpoint that CheckpointID has written; empty at the beginning.
func (c Checkpoint) LastID() (string, *Violation) {
	if c.From == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(c.From)
	last, _, whole := strings.Cut(string(text), "\n")
	if err != nil || !whole {
		return "", WrongCheckpoint()
	}
	return last, nil
}

// CheckpointID is a checkpoint behind the item with the id.
func CheckpointID(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id + "\n")) }

// WrongCheckpoint is the Violation of a checkpoint that names nothing that is there.
func WrongCheckpoint() *Violation {
	return &Violation{Path: "from", Reason: "The checkpoint ID provided in the 'from' parameter has expired or is invalid," +
		" please remove the checkpoint ID and try again"}
}

// CheckpointEnvelope returns a page cut by checkpoint as the wire shows it: next is absent at the end.
func CheckpointEnvelope[T any](key string, items []T, next string) any {
	if items == nil {
		items = []T{}
	}
	out := map[string]any{key: items}
	if next != "" {
		out["next"] = next
	}
	return out
}

// Fields is the choice of members (Management API fact sheet 1.5). Embed it in the struct of a query.
type Fields struct {
	Names   []string  `json:"fields" schema:"comma" doc:"Comma-separated list of fields to include or exclude in the result"`
	Include Opt[bool] `json:"include_fields" schema:"notnull" doc:"Whether specified fields are to be included (true) or excluded (false)"`
}

// Pick returns the object v with the members that were asked for, and always those named. Without a choice it returns
// v itself.
func (f Fields) Pick(v any, always ...string) (any, error) {
	chosen := map[string]bool{}
	for _, name := range f.Names {
		if name = strings.TrimSpace(name); name != "" {
			chosen[name] = true
		}
	}
	if len(chosen) == 0 {
		return v, nil
	}
	encoded, err := Encode(v)
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(encoded, &all); err != nil {
		return nil, fmt.Errorf("web: pick members: %w", err)
	}
	include := f.Include.Or(true)
	kept := map[string]bool{}
	for _, name := range always {
		kept[name] = true
	}
	for name := range all {
		if chosen[name] != include && !kept[name] {
			delete(all, name)
		}
	}
	return all, nil
}

package store

import (
	"slices"
	"strings"

	"github.com/stagedoor/stagedoor/internal/lucene"
)

// LogSchema is what is special about the fields of log events in a search (Management API fact sheet 3.13).
var LogSchema = lucene.Schema{
	Bare:  []string{"client_name", "connection", "description", "ip", "log_id", "type", "user_name"},
	Dates: []string{"date"},
	Known: []string{
		"client_id", "client_name", "connection", "connection_id", "date", "description", "hostname", "ip", "log_id", "organization_id", "strategy", "strategy_type",
		"type", "user_agent", "user_id", "user_name",
	},
	Whole: true,
}

// logColumn returns where a field of an event is kept.
func (s *Store) logColumn(field string) string {
	switch {
	case field == "log_id":
		field = "id"
	case slices.Contains([]string{"type", "user_id", "client_id", "date"}, field):
	case s.db.postgres:
		return "(doc ->> '" + field + "')" + ` COLLATE "C"`
	default:
		return "(doc ->> '$." + field + "')"
	}
	if s.db.postgres && field != "date" {
		return field + ` COLLATE "C"`
	}
	return field
}

// logCondition returns the condition that an event satisfies e, never null. The fields are known ones.
func (s *Store) logCondition(e *lucene.Expr) (string, []any) {
	switch e.Op {
	case lucene.All:
		return "1 = 1", nil
	case lucene.None:
		return "1 = 0", nil
	case lucene.Not:
		text, args := s.logCondition(e.Args[0])
		return "NOT (" + text + ")", args
	case lucene.Is:
		return s.logIs(e.Cond)
	}
	var parts []string
	var args []any
	for _, a := range e.Args {
		text, more := s.logCondition(a)
		parts, args = append(parts, text), append(args, more...)
	}
	return balanced(map[lucene.Op]string{lucene.And: "AND", lucene.Or: "OR"}[e.Op], parts), args
}

// logIs compares a field. Events hold texts, and an empty one is none; the date is a number.
func (s *Store) logIs(c *lucene.Condition) (string, []any) {
	column := s.logColumn(c.Path)
	var parts []string
	var args []any
	for _, i := range c.In {
		if c.Path == "date" {
			low, high := createdBetween(i)
			parts, args = append(parts, "date >= ? AND date <= ?"), append(args, low, high)
			continue
		}
		switch text, isText := strings.CutPrefix(i.From, "s"); {
		case i.Single() && isText:
			parts, args = append(parts, column+" = ?"), append(args, text)
		case !i.Single() && i.To > "s":
			from, to := " >= ?", " < ?"
			if i.After {
				from = " > ?"
			}
			if i.Through {
				to = " <= ?"
			}
			end, ends := strings.CutPrefix(i.To, "s")
			if !isText {
				text = ""
			}
			part, bounds := column+from, []any{text}
			if ends {
				part, bounds = part+" AND "+column+to, append(bounds, end)
			}
			parts, args = append(parts, part), append(args, bounds...)
		}
	}
	text := balanced("OR", parts)
	if c.Pattern != nil {
		like, pattern := s.like(c.Pattern)
		text, args = text+" AND "+strings.Replace(like, "a.value", column, 1), append(args, strings.TrimPrefix(pattern, "s"))
	}
	if c.Path != "date" {
		text += " AND " + column + " <> ''"
	}
	return "COALESCE(" + text + ", 1 = 0)", args
}

// narrowLogs are plain conditions on columns that have indexes, which all that match e fulfil: what logCondition says of the same
// fields is exact, but no index serves it.
func narrowLogs(e *lucene.Expr) (text string, args []any) {
	if e.Op == lucene.And {
		for _, a := range e.Args {
			more, bounds := narrowLogs(a)
			text, args = text+more, append(args, bounds...)
		}
		return text, args
	}
	if e.Op != lucene.Is || e.Cond.Pattern != nil || len(e.Cond.In) == 0 || !slices.Contains([]string{"type", "user_id", "date"}, e.Cond.Path) {
		return "", nil
	}
	if e.Cond.Path == "date" {
		low, high := createdBetween(e.Cond.In[0])
		for _, i := range e.Cond.In[1:] {
			from, to := createdBetween(i)
			low, high = min(low, from), max(high, to)
		}
		return " AND date >= ? AND date <= ?", []any{low, high}
	}
	for _, i := range e.Cond.In {
		value, isText := strings.CutPrefix(i.From, "s")
		if !i.Single() || !isText {
			return "", nil
		}
		args = append(args, value)
	}
	return " AND " + e.Cond.Path + " IN (?" + strings.Repeat(", ?", len(args)-1) + ")", args
}

package pipeline

import (
	"github.com/stagedoor/stagedoor"
	"github.com/stagedoor/stagedoor/internal/script"
)

// lineOfHost marks a line of the console that the host says, in a log event.
const lineOfHost = "host"

// consoleLine is a line of the console as log events have it; of is what its script is called there.
func consoleLine(of string, l script.Line) map[string]any {
	m := map[string]any{of: l.Rule, "level": l.Level, "text": l.Text}
	if l.Host {
		m[lineOfHost] = true
	}
	return m
}

// consoleLines are the first lines of a run; of is what wrote them: rule or action.
func consoleLines(of string, console []script.Line) []map[string]any {
	var lines []map[string]any
	for _, l := range console[:min(len(console), maxConsole)] {
		lines = append(lines, consoleLine(of, l))
	}
	return lines
}

// warned notes in the tenant's log, as one event w, what scripts of a login asked for without effect: the lines of the host.
func warned(v Visit, in *ruleInput, lines []map[string]any) {
	var warnings []map[string]any
	for _, l := range lines {
		if l[lineOfHost] == true {
			warnings = append(warnings, l)
		}
	}
	if len(warnings) == 0 {
		return
	}
	text, _ := warnings[0]["text"].(string)
	v.log(stagedoor.LogEvent{
		Type: "w", Description: text, ClientID: in.client.ID, ClientName: in.client.Name, UserID: in.user.ID, UserName: in.user.Shown(), Connection: in.user.Connection,
		Details: map[string]any{"warnings": warnings},
	})
}

package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/stagedoor/stagedoor/internal/carry"
)

// marks are how the actions of a plan look.
var marks = map[string]struct{ sign, color string }{
	carry.Created: {"+", "good"}, carry.Changed: {"~", "warn"}, carry.Refused: {"✗", "bad"}, carry.Left: {"=", "dim"},
}

// maxTold is how many reasons of users are printed.
const maxTold = 20

// print tells people what is going to happen, or has happened.
func (i *importing) print(applied bool) {
	mark := paint(os.Stdout).Of
	if applied {
		fmt.Println()
	}
	if i.plan != nil && !applied {
		for _, o := range i.plan.Objects {
			printObject(o, mark)
		}
		fmt.Println()
	}
	if i.plan != nil {
		p := i.plan
		unset, lost := 0, 0
		for _, o := range p.Objects {
			unset += len(o.Unset)
			if o.Action != carry.Refused && len(o.Lost) > 0 {
				lost++
			}
		}
		words := [2]string{"to create", "to change"}
		if applied {
			words = [2]string{"created", "changed"}
		}
		fmt.Printf("Configuration: %d %s, %d %s, %d as they are, %d that cannot be carried, %d without a part; %d secrets to be set.\n",
			p.Count(carry.Created), words[0], p.Count(carry.Changed), words[1], p.Count(carry.Left), p.Count(carry.Refused), lost, unset)
		if !applied {
			fmt.Println("It is carried in one transaction: all of this or nothing.")
		}
	}
	if i.users != nil {
		i.printUsers(applied)
	}
	if i.CaptureFrom != "" {
		fmt.Printf("Passwords: users without one sign in once with the one they have at %s.\n", i.capture.URL)
	}
}

func printObject(o carry.Object, mark func(string, string) string) {
	if o.Action == carry.Left && len(o.Lost)+len(o.Unset) == 0 {
		return
	}
	m := marks[o.Action]
	line := m.sign + " " + o.Kind
	if o.Name != "settings" || !strings.HasSuffix(o.Kind, "settings") { // there is one of these
		line += " " + o.Name
	}
	if len(o.Changes) > 0 {
		line += ": " + strings.Join(o.Changes, ", ")
	}
	fmt.Println(mark(m.color, visible(line)))
	for _, l := range o.Lost {
		text := l.Reason
		if l.Path != "" {
			text = l.Path + ": " + text
		}
		fmt.Println(mark("bad", "    not carried: ") + visible(text))
	}
	if len(o.Unset) > 0 {
		fmt.Println(mark("warn", "    to be set: ") + visible(strings.Join(o.Unset, ", ")))
	}
}

func (i *importing) printUsers(applied bool) {
	u := i.users
	if applied {
		fmt.Printf("Users: %d rows: %d created, %d changed, %d as they are, %d that cannot be carried, %d without a part.\n", u.Rows, u.Created, u.Changed, u.Left, u.Refused, u.Partly)
	} else {
		fmt.Printf("Users: %d rows: %d to create, %d to change, %d here already, %d passwords, %d that cannot be carried, %d without a part.\n", u.Rows, u.Created, u.Changed, u.Left, u.Passwords, u.Refused, u.Partly)
		fmt.Println("They are carried in batches of a few hundred; what is interrupted goes on where it was when the command is run again.")
	}
	if u.Captured > 0 {
		fmt.Printf("  %d come without a password, which is captured at their first login.\n", u.Captured)
	}
	for n, reason := range u.Names() {
		if n == maxTold {
			fmt.Printf("  … and %d further reasons\n", len(u.Reasons)-n)
			break
		}
		fmt.Printf("  %6d × %s\n", u.Reasons[reason], visible(reason))
	}
	switch some := u.Refused+u.Partly > 0; {
	case some && i.Report == "":
		fmt.Println("  --report FILE names them.")
	case some && applied:
		fmt.Printf("  Who they are stands in %s.\n", i.Report)
	}
}

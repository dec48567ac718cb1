package liquid

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"regexp"
	"strconv"
	"strings"

	"github.com/osteele/liquid/render"
)

// cell begins cell i of a table of the tag tablerow, and a row where there is need of one.
func cell(w io.Writer, i, cols int) {
	if i%cols == 0 {
		fmt.Fprintf(w, `<tr class="row%d">`, i/cols+1) //nolint:errcheck // sink keeps why it takes no more
	}
	fmt.Fprintf(w, `<td class="col%d">`, i%cols+1) //nolint:errcheck // the same
}

func endCell(w io.Writer, row bool) {
	end := "</td>"
	if row {
		end += "</tr>"
	}
	io.WriteString(w, end) //nolint:errcheck // sink keeps why it takes no more
}

var counterName = regexp.MustCompile(`^\s*([A-Za-z_][-A-Za-z0-9_]*)\s*$`)

// counters are the tags increment and decrement, whose numbers are no variables, and debug, which tells what variables there are.
func (b *budget) counters(cfg render.Config) {
	counts := map[string]int{} // no more than the template has tags
	counter := func(next func(name string) int) func(string) (tag, error) {
		return func(args string) (tag, error) {
			name := counterName.FindStringSubmatch(args)
			if name == nil {
				return nil, errors.New("a name is needed")
			}
			return func(w io.Writer, _ render.Context) error {
				if err := b.spend(); err != nil {
					return err
				}
				_, err := io.WriteString(w, strconv.Itoa(next(name[1])))
				return err
			}, nil
		}
	}
	cfg.AddTag("increment", counter(func(name string) int { counts[name]++; return counts[name] - 1 }))
	cfg.AddTag("decrement", counter(func(name string) int { counts[name]--; return counts[name] }))
	cfg.AddTag("debug", func(string) (tag, error) { return b.debug, nil })
}

func (b *budget) debug(w io.Writer, ctx render.Context) error {
	vars := maps.Clone(ctx.Bindings())
	delete(vars, "forloop")
	if err := b.size(deep(vars, b.Output+1)); err != nil {
		return err
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(vars); err != nil {
		return err
	}
	out := strings.TrimSpace(text.String())
	if b.html {
		out = "<pre>" + html.EscapeString(out) + "</pre>"
	}
	_, err := io.WriteString(w, out)
	return err
}

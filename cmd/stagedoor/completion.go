package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCommand prints what a shell runs to complete our command line. The shell asks the program itself each time (`stagedoor complete WORDS`), so
// that a newer program needs no newer script.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints the script.
func (c *completionCommand) Run() error {
	fmt.Print(completions[c.Shell])
	return nil
}

var completions = map[string]string{
	"bash": `# In ~/.bashrc: source <(stagedoor completion bash)
_stagedoor() {
	local IFS=$'\n'
	COMPREPLY=($(stagedoor complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f 1))
}
complete -o default -F _stagedoor stagedoor
`,
	"zsh": `#compdef stagedoor
# In ~/.zshrc, behind compinit: source <(stagedoor completion zsh)
_stagedoor() {
	local -a found
	found=("${(@f)$(stagedoor complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	found=("${(@)found/$'\t'/:}")
	if [[ -n "${found[1]}" ]]; then
		_describe stagedoor found
	else
		_files
	fi
}
compdef _stagedoor stagedoor
`,
	"fish": `# In ~/.config/fish/config.fish: stagedoor completion fish | source
complete -c stagedoor -a '(stagedoor complete (commandline -opc)[2..] "$(commandline -ct)")'
`,
}

// complete prints what the last of the words can become, a line each, with what it is behind a tab. Where it prints nothing, shells offer files.
func complete(words []string) error {
	model, _, _, err := commandLine(words)
	if err != nil {
		return err
	}
	if len(words) > 0 && words[0] == "script" && len(words) > 1 {
		words = words[1:]
	}
	for _, line := range candidates(model.Model.Node, words) {
		fmt.Println(line)
	}
	return nil
}

// candidates are the commands, flags or values that begin as the last word does.
func candidates(node *kong.Node, words []string) (out []string) {
	if len(words) == 0 {
		words = []string{""}
	}
	typed := words[len(words)-1]
	offer := func(name, help string) {
		if name != "" && strings.HasPrefix(name, typed) {
			out = append(out, name+"\t"+firstSentence(help))
		}
	}
	var valued *kong.Flag // whose value comes next
	for _, word := range words[:len(words)-1] {
		if valued != nil {
			valued = nil
		} else if name, is := strings.CutPrefix(word, "--"); is {
			valued = takesValue(node, name)
		} else if at := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == word }); at >= 0 {
			node = node.Children[at]
		}
	}
	switch {
	case valued != nil:
		for _, one := range valued.EnumSlice() {
			offer(one, "")
		}
	case strings.HasPrefix(typed, "-"):
		for _, group := range node.AllFlags(true) {
			for _, flag := range group {
				offer("--"+flag.Name, flag.Help)
			}
		}
	default:
		for _, child := range node.Children {
			if !child.Hidden {
				offer(child.Name, child.Help)
			}
		}
		for _, argument := range node.Positional {
			for _, one := range argument.EnumSlice() {
				offer(one, "")
			}
		}
	}
	return out
}

// takesValue is the flag of a name if its value is a word of its own.
func takesValue(node *kong.Node, name string) *kong.Flag {
	for _, group := range node.AllFlags(false) {
		for _, flag := range group {
			if flag.Name == name && !flag.IsBool() {
				return flag
			}
		}
	}
	return nil
}

// firstSentence is enough of a help text for a list.
func firstSentence(help string) string {
	short, _, _ := strings.Cut(help, ". ")
	return strings.TrimSuffix(short, ".")
}

package web

// Nesting finds where a JSON value ends that is read byte by byte, as those of files are which are too large for memory. It does not check the syntax.
type Nesting struct {
	depth         int
	text, escaped bool
}

// Ends takes the next byte of the value, and tells whether it is the last one. Of a value that is no object, list or text, each is.
func (n *Nesting) Ends(c byte) bool {
	switch {
	case n.escaped:
		n.escaped = false
	case n.text && c == '\\':
		n.escaped = true
	case c == '"':
		n.text = !n.text
	case n.text:
	case c == '{' || c == '[':
		n.depth++
	case c == '}' || c == ']':
		n.depth--
	}
	return !n.text && n.depth <= 0
}

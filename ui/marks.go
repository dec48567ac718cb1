package ui

// marks are the signs on the buttons of providers that everybody knows, and of companies: lines of our own in a square of 24, which take the colour of
// the text. They hint at who is meant and copy nobody's logo; a connection that wants a logo has icon_url.
var marks = map[string]string{
	"google":    "M18.6 7.2A8 8 0 1 0 20 12h-7.5",
	"apple":     "M12 8.2c-1.6-1.3-4.6-1.3-6.1 1-1.8 3 .3 9 2.9 10.4 1.2.6 2-.4 3.2-.4s2 1 3.2.4c1.7-.9 2.9-3.1 3.4-4.7-2.8-1.2-2.9-4.9-.1-6.3-1.8-2-4.8-1.6-6.5-.4zm0-.2c0-2.2 1.1-3.8 3.2-4.3",
	"github":    "M7 7.5v9M17 9.5c0 4-10 2.5-10 7M7 3.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM17 5.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM7 16.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
	"facebook":  "M16 4h-2a4 4 0 0 0-4 4v12M7 12h8",
	"microsoft": "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
	"linkedin":  "M5 10v9M5 5.3v.2M10 19v-9M10 14.5c0-6 9-6 9 0V19",
	"x":         "m5 4 14 16M19 4 5 20",
	"gitlab":    "M12 20.5 3.5 13.5 6.2 4.5l2.6 6.5h6.4l2.6-6.5 2.7 9z",
	"discord":   "M4.5 5.5h15v11h-9l-4 3.5v-3.5h-2zM9.5 10.5v1M14.5 10.5v1",
	"slack":     "M9.5 4 8 20M16 4l-1.5 16M4.5 9h16M3.5 15h16",
	"spotify":   "M4 9c6-2.2 11-1.6 16 1.5M5 13.2c5-1.7 9-1.2 13 1.3M6.2 17.2c3.8-1.2 6.6-.8 9.8 1",
	"company":   "M5 20V4.5h9V20M14 10h5v10M3 20h18M8.2 8.5h2.6M8.2 12.5h2.6M8.2 16.5h2.6",
}

// Sign is the mark's line; empty if the button has none.
func (b ProviderButton) Sign() string { return marks[b.Mark] }

// Package liquid renders the templates that tenants write for pages, mails and text messages, in the language Liquid.
//
//	Check    tells whether a template can be read
//	Render   renders one, within Limits
//
// A template is what an administrator of one tenant wrote, on a server that others share. It reaches nothing but the variables it is
// given: no files, no network. What it can use up is bounded: the size of its output and of every value that it makes, the rounds of
// its loops, and the time.
package liquid

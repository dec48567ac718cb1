package page

import "regexp"

// pageTags are the two places of a tenant's page template: what belongs into the head, and the page itself.
var pageTags = regexp.MustCompile(`\{%-?\s*auth0:(head|widget)\s*-?%\}`)

// HasTags tells whether a page template has both of its places.
func HasTags(source string) bool {
	found := map[string]bool{}
	for _, m := range pageTags.FindAllStringSubmatch(source, -1) {
		found[m[1]] = true
	}
	return found["head"] && found["widget"]
}

// WithTags writes the places of a page template as the variables auth0_head and auth0_widget, which the template language can read.
func WithTags(source string) string {
	return pageTags.ReplaceAllString(source, "{{ auth0_${1} }}")
}

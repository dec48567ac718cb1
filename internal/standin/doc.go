// Package standin plays other people's identity providers, so that connections can be tried without the Internet: an OpenID Connect issuer
// at its root, and below it the servers of social providers by their host name, each answering in the form that it documents
// (/github.com/login/oauth/authorize, /api.github.com/user …). A connection reaches it by its own addresses, or by the option
// stagedoor.base_url.
//
//	a browser ─▶ …/authorize ─▶ a page: who are you? ─▶ back with a code ─▶ …/token ─▶ …/userinfo
//
// Whoever comes chooses who they are; there are no passwords. A test says it beforehand, and then nobody is asked. The page and tests can also
// say how it misbehaves (modes.go): each mode is an attack, or a mistake of some real provider.
//
// It is for developers and tests. It must never serve a tenant with real people: it lets anybody be anybody.
package standin

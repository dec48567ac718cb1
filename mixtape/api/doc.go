// Package api is the backend of Mixtape, a music application for phones.
//
// It keeps its own data in its own database and knows its listeners by one
// value only: the subject of a token that it has verified itself. Who may
// sign in, what a listener has paid for and who edits the featured playlists
// is the identity server's business; the answers arrive as claims.
//
// One file per noun holds the handlers and their SQL:
//
//	auth.go         bearer tokens: RS256 through JWKS, HS256 for the legacy client
//	genres.go       genres and the favourite one
//	songs.go        the library, plays, covers
//	audio.go        signed audio addresses and the cache of rendered songs
//	playlists.go    own and featured playlists
//	displayname.go  the listener's name, kept by the identity server
//	management.go   the identity server's Management API, with a machine token
//
// server.go ties them together: the table of routes is there.
package api

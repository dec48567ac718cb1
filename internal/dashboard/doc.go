// Package dashboard is the door to the dashboard: its files, and the way in for administrators who have accounts at the operator's own provider.
//
//	door.go        the table of routes, and what errors look like
//	sign_in.go     to the provider and back, for a token of the Management API
//
// The dashboard is an ordinary client of the Management API, and this room knows nothing of what it shows. Without a provider it is files alone: people sign in with the credentials
// of a machine client. Who the administrators are is the operator's to say, in the database (stagedoor administrators), not the tenant's.
package dashboard

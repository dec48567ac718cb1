// Package scim is the door for provisioners: the SCIM 2.0 service provider (RFC 7643, RFC 7644) of each connection that has a SCIM configuration,
// at /scim/v2/connections/{id}. It knows its callers by the tokens of that configuration and touches nobody but users and groups of the connection.
//
//	door.go       the table of routes; who calls, what the token may do
//	users.go      Users; groups.go, Groups; discovery.go, what the server can do
//	bulk.go       many operations at once
//	mapping.go    from attributes of SCIM to attributes of users
//	patch.go      PATCH, as RFC 7644 section 3.5.2 has it and as directories really send it
//	filter.go     filters, compared with resources; path.go, attribute paths
//
// A resource is kept as its provisioner said it, and shown with what is known better here: whether the person is blocked, their groups.
package scim

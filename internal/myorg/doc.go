// Package myorg is the My Organization API, /my-org/v1: what members of an organization do with it through a program of the tenant's, which speaks for them by an access token.
//
//	door.go          whose organization it is; routes() is the table of contents
//	details.go       what the organization is called and looks like
//	members.go       who belongs to it, and what roles they have there
//	invitations.go   who is asked to
//	providers.go     the connections by which its members come: list, create, change, take away
//	options.go       what of a connection's options they see and set, by strategy
//	profiles.go      what the tenant says of connections that are made here
//	attributes.go    which values of an identity provider become which of a user's
//	domains.go       domains of e-mail addresses that are the organization's, as its DNS proves
//	provisioning.go  identity providers that make users themselves (SCIM)
//
// A token acts on the organization that it was given for and on no other. Of connections it reaches those that the tenant has opened to the organization (organization_access_level), and it
// changes none that other organizations use. What is written goes through the operations of the Management API, with all their checks. Secrets go in and never come out.
package myorg

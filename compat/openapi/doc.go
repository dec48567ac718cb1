// Package openapi holds the OpenAPI document of a live server to the standard, with a validator, and to the server, with requests that are
// made from it: valid ones and ones that are wrong in a way that the document names. Run more with -rounds, or the same again with -seed.
package openapi

// Package goauth0 runs the management tests of the Go SDK, as its authors wrote them, live against a real server: they are fetched from the
// module proxy, built unchanged but for their recordings, and told nothing but a domain and the credentials of a machine client.
//
//	make compat-go                              all of them, on SQLite (and on PostgreSQL where STAGEDOOR_TEST_POSTGRES names one)
//	make compat-go TESTFLAGS='-only Role'       those whose names match
//
// The tests that talk to the server are counted: those that set up the SDK's recorder. expected_failures.txt names those that fail, with the
// reason; the run fails when another one does, and also when one of them passes, so that the list stays true.
package goauth0

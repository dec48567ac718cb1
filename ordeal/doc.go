// Package ordeal puts the whole program to the test that operators fear: processes that are killed, machines that vanish, networks
// that part, disks that fill, databases that hang. Everything in it is a test; short versions run with all others, and
//
//	make kill       kills the server 500 times on SQLite, and server, backends and postmaster 100 times on PostgreSQL
//	make failover   kills and cuts off the nodes of a PostgreSQL cluster under two servers
//
// run the long ones and print tables. Writers work over HTTP and note what they were told; afterwards what they were told must be
// true: what was acknowledged is there, what was not is there once or not at all, and nothing is half there.
package ordeal

// Package job does the work that goes on after the request that asked for it: imports and exports of users, and mails that somebody
// ordered. kinds.go is the table of what it can do.
//
//	pending ─▶ processing ─▶ completed
//	              │  ▲  └──▶ failed
//	              └──┘ the server went away: another one, or the same again, goes on
//
// A job is a row of the database. Who works on it holds a lease that each step renews; what a step changes and how far the job has come
// are written in one transaction, and only under the lease. So a server may be killed at any time: the job goes on where it was,
// with nothing done twice and nothing left out, and of many servers on one database one works on it. A server that is told to stop
// finishes its step and gives the job back.
//
// What it never does: it answers no request and reads no configuration file.
package job

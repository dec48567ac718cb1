// Package server builds every room from one Config, mounts the doors, starts and stops.
//
//	New       opens the database and builds the rooms, each with only what it needs
//	Handler   the doors behind the front: who asks, under which name, over what
//	Serve     listens until the context ends, then drains
//	tenant.go what a new tenant consists of
package server

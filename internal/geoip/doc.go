// Package geoip tells where addresses are, from database files on this machine in MaxMind's format (MMDB), as GeoLite2, GeoIP2 and DB-IP come in. No address
// is sent anywhere. Files are read into memory, and again when they have been replaced, so that nobody restarts a server for a new edition.
package geoip

// Package storetest opens real databases for tests: SQLite always, and PostgreSQL where
// the environment names one.
//
//	func TestGreeting(t *testing.T) {
//		storetest.Each(t, func(t *testing.T, db *store.DB) {
//			tenant := storetest.Tenant(t, db, "acme")
//			…
//		})
//	}
//
// STAGEDOOR_TEST_POSTGRES is the URL of a PostgreSQL database; each test makes a schema
// of its own there and drops it. Without it the PostgreSQL half is skipped, and
// fails where CI is set.
package storetest

// Package bench measures the whole server against limits that are taken in the same run: the rate of
// raw signatures, of bare UPDATE transactions. The figures are ratios, so that they mean the same on every
// machine. Run it with
//
//	make bench
//
// which prints them as a table; nothing here is a test that could fail for being slow.
package bench

// Package delivery is what those have in common who bring what happened to servers of others: which queue is served when, how many at a time, and when
// that is tried again which failed. It knows neither what is delivered nor where it waits.
package delivery

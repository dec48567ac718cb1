package jose

import (
	"crypto/rsa"
	"flag"
	"sync"
)

// ReuseInTests lets keys of 2048 bits be one of sixteen, in turn, from now on: to make the two of a tenant takes as long as most tests of it. Their
// ids and certificates are their own. Call it in TestMain; it panics in a program that is no test.
func ReuseInTests() {
	if flag.Lookup("test.v") == nil {
		panic("jose: keys are used again in tests alone")
	}
	var mu sync.Mutex
	var made [16]*rsa.PrivateKey
	next := 0
	fresh := generateRSA
	generateRSA = func(bits int) (*rsa.PrivateKey, error) {
		if bits != 2048 {
			return fresh(bits)
		}
		mu.Lock()
		defer mu.Unlock()
		i := next % len(made)
		next++
		if made[i] != nil {
			return made[i], nil
		}
		var err error
		made[i], err = fresh(bits)
		return made[i], err
	}
}

//go:build !unix

package script

// mapRegion makes memory that is zero. The garbage collector does not move it.
func mapRegion(size int) ([]byte, error) { return make([]byte, size), nil }

func unmapRegion([]byte) {}

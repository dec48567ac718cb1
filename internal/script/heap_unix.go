//go:build unix

package script

import "syscall"

// mapRegion reserves memory that is zero, and there when it is used.
func mapRegion(size int) ([]byte, error) {
	return syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
}

func unmapRegion(region []byte) { _ = syscall.Munmap(region) }

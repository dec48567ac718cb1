package script

import "syscall"

// releasePages gives pages back; they are zero when they are used again.
func releasePages(pages []byte) {
	if syscall.Madvise(pages, syscall.MADV_DONTNEED) != nil {
		clear(pages)
	}
}

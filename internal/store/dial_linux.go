package store

import "syscall"

// tcpUserTimeout is TCP_USER_TIMEOUT of linux/tcp.h, which the standard library does not name.
const tcpUserTimeout = 0x12

// unacknowledged closes a connection whose other end has not confirmed what was sent for so many milliseconds: a machine that lost its power
// or its network says nothing.
func unacknowledged(fd uintptr, ms int) error {
	return syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, ms)
}

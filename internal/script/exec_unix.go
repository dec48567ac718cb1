//go:build unix

package script

import "syscall"

const canExec = true

func execute(argv, env []string) error { return syscall.Exec(argv[0], argv, env) }

//go:build !unix

package script

import "errors"

const canExec = false

func execute([]string, []string) error { return errors.ErrUnsupported }

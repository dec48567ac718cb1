//go:build !race

package script

import "os"

// executable is the program that serves as a worker.
func executable() (string, error) { return os.Executable() }

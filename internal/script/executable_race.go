//go:build race

package script

import "os"

// executable is the program that serves as a worker. The race detector makes the engine twenty times slower; tests name a worker that was
// built without it. [TestWorkerMain] has one in its own process.
func executable() (string, error) {
	if worker := os.Getenv("STAGEDOOR_TEST_WORKER"); worker != "" {
		return worker, nil
	}
	return os.Executable()
}

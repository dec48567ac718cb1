//go:build race

package script

import "os"

const raceEnabled = true

// slowEngine says that workers have the race detector too: 20 times slower, with many times the memory.
var slowEngine = os.Getenv("STAGEDOOR_TEST_WORKER") == ""

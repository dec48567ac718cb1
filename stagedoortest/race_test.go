//go:build race

package stagedoortest_test

const raceEnabled = true

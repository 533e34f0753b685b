//go:build !race

package helm_test

const raceEnabled = false

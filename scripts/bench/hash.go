package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
)

// hashMode is the hidden mode that hashes bytes and does nothing else: the measure of what the processor must do at least.
const hashMode = "hash-bytes"

// hashBytes hashes as many bytes of memory as its argument says.
func hashBytes(args []string) int {
	if len(args) != 1 {
		return 2
	}
	left, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
	h, buf := sha256.New(), make([]byte, 256<<10)
	for ; left > 0; left -= int64(len(buf)) {
		buf = buf[:min(int64(len(buf)), left)]
		h.Write(buf)
	}
	fmt.Printf("%x\n", h.Sum(nil))
	return 0
}

package sha256x3

import "golang.org/x/sys/cpu"

// fast says whether the processor has the instructions that blocks uses. Whatever has AVX has the leaf of CPUID that tells of them.
var fast = cpu.X86.HasAVX && cpu.X86.HasSSE41 && shaExtensions()

// blocks takes n blocks, at least one: those at p into the first two states, those at q into the third.
//
//go:noescape
func blocks(states *[3][8]uint32, p, q *byte, n int)

// shaExtensions asks the processor.
func shaExtensions() bool

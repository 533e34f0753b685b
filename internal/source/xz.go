package source

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz"
)

// unxz unpacks xz: streams of blocks, none of which asks for too much memory.
func unxz(r *bufio.Reader) (io.Reader, error) {
	x, err := xz.NewReader(&xzGuard{r: r, next: (*xzGuard).stream})
	switch {
	case errors.Is(err, ErrArchive):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrArchive, err)
	}
	return x, nil
}

var errXZ = fmt.Errorf("%w: it is xz of a kind that is not understood, or wants more than %d bytes of memory", ErrArchive, maxWindow)

// xzGuard lets xz through part by part. What unpacks it gives each block as much memory as its header asks for, so it stops before a header that asks for
// too much. The parts are those of The .xz File Format, version 1.2.1, and of LZMA2.
type xzGuard struct {
	r *bufio.Reader
	// left is what may pass of the present part, next looks at the one behind it.
	left int64
	next func(*xzGuard) error
	// check is the size of what stands behind each block, packed what its data has so far.
	check, packed int64
	index         xzIndex
}

// Read gives bytes of one part.
func (g *xzGuard) Read(p []byte) (int, error) {
	for g.left == 0 {
		if err := g.next(g); err != nil {
			return 0, err
		}
	}
	n, err := g.r.Read(p[:min(int64(len(p)), g.left)])
	g.left -= int64(n)
	return n, err
}

// pass lets the next bytes through, and says what comes behind them.
func (g *xzGuard) pass(n int64, next func(*xzGuard) error) error {
	g.left, g.next = n, next
	return nil
}

// peek looks at bytes that must be there.
func (g *xzGuard) peek(n int) ([]byte, error) {
	b, err := g.r.Peek(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

// stream is the header of a stream, or four zeros between two.
func (g *xzGuard) stream() error {
	const size, padding, kind = 12, 4, 7
	if _, err := g.r.Peek(1); err != nil {
		return err // also the end
	}
	head, err := g.peek(padding)
	if err != nil {
		return err
	}
	if string(head) == "\x00\x00\x00\x00" {
		return g.pass(padding, (*xzGuard).stream)
	}
	if head, err = g.peek(size); err != nil {
		return err
	}
	g.check = 0
	if k := head[kind] & 0xf; k > 0 {
		g.check = 4 << ((k - 1) / 3)
	}
	return g.pass(size, (*xzGuard).block)
}

// block is the header of a block, or the index behind the last one.
func (g *xzGuard) block() error {
	head, err := g.peek(1)
	if err != nil {
		return err
	}
	if head[0] == 0 {
		g.index = xzIndex{}
		return g.indexed()
	}
	size := (int(head[0]) + 1) * 4
	if head, err = g.peek(size); err != nil {
		return err
	}
	if window, ok := xzWindow(head); !ok || window > maxWindow {
		return errXZ
	}
	g.packed = 0
	return g.pass(int64(size), (*xzGuard).chunk)
}

// chunk is a chunk of LZMA2, or the end of the block.
func (g *xzGuard) chunk() error {
	head, err := g.peek(1)
	if err != nil {
		return err
	}
	header, at := 0, 0 // of the header: its size, and where the size of the data stands in it
	switch c := head[0]; {
	case c == 0:
		g.packed++
		return g.pass(1+padding(g.packed)+g.check, (*xzGuard).block)
	case c <= 2:
		header, at = 3, 1
	case c >= 0xc0:
		header, at = 6, 3
	case c >= 0x80:
		header, at = 5, 3
	default:
		return errXZ
	}
	if head, err = g.peek(header); err != nil {
		return err
	}
	n := int64(header) + int64(binary.BigEndian.Uint16(head[at:])) + 1
	g.packed += n
	return g.pass(n, (*xzGuard).chunk)
}

// padding fills up to a multiple of four.
func padding(n int64) int64 { return -n & 3 }

// xzIndex is what was seen of an index: its bytes, the number that is being read, and how many more come.
type xzIndex struct {
	bytes int64
	value uint64
	shift uint
	more  uint64
	begun bool
}

// indexed is one byte of an index: a zero, the number of its records, two numbers for each, zeros, a sum, and then the end of the stream.
func (g *xzGuard) indexed() error {
	head, err := g.peek(1)
	if err != nil {
		return err
	}
	x := &g.index
	if x.bytes++; x.bytes == 1 {
		return g.pass(1, (*xzGuard).indexed)
	}
	if x.shift > 56 {
		return errXZ
	}
	x.value |= uint64(head[0]&0x7f) << x.shift
	x.shift += 7
	if head[0]&0x80 != 0 {
		return g.pass(1, (*xzGuard).indexed)
	}
	if x.begun {
		x.more--
	} else {
		x.begun, x.more = true, 2*x.value
	}
	x.value, x.shift = 0, 0
	if x.more > 0 {
		return g.pass(1, (*xzGuard).indexed)
	}
	const sum, footer = 4, 12
	return g.pass(1+padding(x.bytes)+sum+footer, (*xzGuard).stream)
}

// xzWindow is the size of the dictionary of a block: in its header come its length, its flags, two sizes that may be left out, and the only filter,
// LZMA2, with its one property.
func xzWindow(head []byte) (size uint64, ok bool) {
	const lzma2, largest = 0x21, 40
	if len(head) < 2 {
		return 0, false
	}
	flags, rest := head[1], head[2:]
	for _, present := range []byte{0x40, 0x80} {
		if flags&present != 0 {
			_, n := binary.Uvarint(rest)
			if n <= 0 {
				return 0, false
			}
			rest = rest[n:]
		}
	}
	if flags&3 != 0 || len(rest) < 3 || rest[0] != lzma2 || rest[1] != 1 || rest[2] > largest {
		return 0, false
	}
	return uint64(2|rest[2]&1) << (rest[2]/2 + 11), true
}

package recipe

import (
	"archive/tar"
	"bufio"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// headSize is how much of a file is looked at, in bytes; it holds the header of a program.
const headSize = 512

// Bounds of looking into one archive: what lies behind is not judged.
const (
	maxEntries  = 20_000
	maxUnpacked = 4 << 30
)

// machines are what the ELF header of a program for an architecture says: the machine and the order of bytes.
var machines = map[string]struct {
	machine elf.Machine
	order   elf.Data
}{
	"amd64": {elf.EM_X86_64, elf.ELFDATA2LSB}, "arm64": {elf.EM_AARCH64, elf.ELFDATA2LSB}, "arm": {elf.EM_ARM, elf.ELFDATA2LSB},
	"386": {elf.EM_386, elf.ELFDATA2LSB}, "ppc64le": {elf.EM_PPC64, elf.ELFDATA2LSB}, "s390x": {elf.EM_S390, elf.ELFDATA2MSB},
	"riscv64": {elf.EM_RISCV, elf.ELFDATA2LSB}, "loong64": {elf.EM_LOONGARCH, elf.ELFDATA2LSB},
}

// foreign says for which machine a program is, when it is not for the platform's. Code for the kernel's own machine (BPF) runs everywhere.
func foreign(head []byte, platform string) string {
	if len(head) < 20 || string(head[:4]) != elf.ELFMAG {
		return ""
	}
	order := elf.Data(head[elf.EI_DATA])
	var machine elf.Machine
	if order == elf.ELFDATA2MSB {
		machine = elf.Machine(binary.BigEndian.Uint16(head[18:]))
	} else {
		machine = elf.Machine(binary.LittleEndian.Uint16(head[18:]))
	}
	want, known := machines[architecture(platform)]
	if !known || machine == elf.EM_BPF || machine == want.machine && order == want.order {
		return ""
	}
	return fmt.Sprintf("is a program for %s, not for %s", machineName(machine, order), platform)
}

// machineName gives a machine the name that platforms use, where there is one.
func machineName(m elf.Machine, order elf.Data) string {
	for arch, known := range machines {
		if known.machine == m && known.order == order {
			return "linux/" + arch
		}
	}
	return "another machine (" + m.String() + ")"
}

func isArchive(name string) bool {
	return strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz") || strings.HasSuffix(name, ".tar")
}

// archive looks for programs of another machine in a tar archive, packed or not, and finds out whether it is whole.
func (j *judgement) archive(ctx context.Context, name string, f *os.File) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	plain, err := unpacked(f)
	if err != nil {
		j.add(name, "cannot be unpacked: "+err.Error())
		return nil
	}
	limited := &io.LimitedReader{R: &stoppable{ctx: ctx, r: plain}, N: maxUnpacked}
	found, err := j.entries(tar.NewReader(limited))
	if err == nil && found.Path == "" {
		_, err = io.Copy(io.Discard, limited) // the checksum at the end
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case found.Path != "":
		j.add(name+"!"+found.Path, found.Problem)
	case err != nil && limited.N > 0:
		j.add(name, "cannot be unpacked: "+err.Error())
	}
	return nil
}

// unpacked reads through gzip where a file begins as gzip does.
func unpacked(f io.Reader) (io.Reader, error) {
	r := bufio.NewReader(f)
	if magic, err := r.Peek(2); err != nil || string(magic) != "\x1f\x8b" {
		return r, nil
	}
	return gzip.NewReader(r)
}

// entries gives the first file of an archive that is a program of another machine.
func (j *judgement) entries(t *tar.Reader) (Finding, error) {
	for range maxEntries {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return Finding{}, nil
		}
		if err != nil {
			return Finding{}, err
		}
		head := make([]byte, headSize)
		n, err := io.ReadFull(t, head)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return Finding{}, err
		}
		if problem := foreign(head[:n], j.platform); problem != "" {
			return Finding{Path: printable(h.Name), Problem: problem}, nil
		}
	}
	return Finding{}, nil
}

// stoppable is a reader that ends with its context.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s *stoppable) Read(b []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	return s.r.Read(b)
}

package store

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/layer"
)

// The journal is a text file that only grows while the store is in use. Each record is one line that begins with the
// line feed and ends in a full stop: a record torn by a power cut has no full stop and spoils no other. Appends of one
// write each to a file opened with O_APPEND do not mix, so processes need no lock among them.
//
//	blob <digest> <size> <mtime ns> <inode> .            a checked file
//	drop <digest> .                                      it turned out bad
//	layer <digest> <layer digest> <diff id> <size> <crc> .     the facts of the blob's layer; older ones have no crc
//	place <host> <digest> <repository> .                 a registry has it in that repository
//	tag <reference> <digest> <unix time> .               what a tag resolved to, and until when that is believed
//	made <digest> <origin> .                             an image was built here of that
const (
	recordEnd = " ."
	// compactFrom is the journal size from which on it is worth a look whether most of it is out of date.
	compactFrom = 1 << 20
)

// mark is what tells whether a file is still the one that was checked.
type mark struct {
	size, mtime int64
	inode       uint64
}

func markOf(fi fs.FileInfo) mark {
	return mark{size: fi.Size(), mtime: fi.ModTime().UnixNano(), inode: inode(fi)}
}

type placeKey struct {
	host string
	blob v1.Hash
}

type resolution struct {
	digest v1.Hash
	until  int64
}

// journal is the file and what it says, held in memory: about 300 bytes for each blob.
type journal struct {
	mu     sync.Mutex
	file   *os.File
	offset int64

	blobs  map[v1.Hash]mark
	layers map[v1.Hash]layer.Facts
	places map[placeKey][]string
	tags   map[string]resolution
	made   map[v1.Hash][]string
}

func newJournal(f *os.File) *journal {
	return &journal{
		file: f, blobs: map[v1.Hash]mark{}, layers: map[v1.Hash]layer.Facts{},
		places: map[placeKey][]string{}, tags: map[string]resolution{}, made: map[v1.Hash][]string{},
	}
}

func openJournal(path string) (*journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	j := newJournal(f)
	if err := j.refresh(); err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

func (j *journal) close() error { return j.file.Close() }

// refresh reads what was appended since, by this or by another process.
func (j *journal) refresh() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	fi, err := j.file.Stat()
	if err != nil || fi.Size() <= j.offset {
		return err
	}
	b := make([]byte, fi.Size()-j.offset)
	n, err := j.file.ReadAt(b, j.offset)
	if err != nil && err != io.EOF {
		return fmt.Errorf("read journal: %w", err)
	}
	j.read(b[:n])
	return nil
}

// read takes records in. A last line without its end may still be growing: it is read again next time.
func (j *journal) read(b []byte) {
	for len(b) > 0 {
		line, rest, more := bytes.Cut(b, []byte{'\n'})
		if !more && !bytes.HasSuffix(line, []byte(recordEnd)) {
			return
		}
		if text, ok := strings.CutSuffix(string(line), recordEnd); ok {
			j.apply(strings.Fields(text))
		}
		j.offset += int64(len(b) - len(rest))
		b = rest
	}
}

// append writes records in one write and takes them in. Another process may have appended before: applying our own
// twice, now and at the next refresh, changes nothing.
func (j *journal) append(records ...record) error {
	var b bytes.Buffer
	for _, r := range records {
		b.WriteString("\n" + strings.Join(r, " ") + recordEnd)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write journal: %w", spaceError(err, j.file.Name(), int64(b.Len())))
	}
	for _, r := range records {
		j.apply(r)
	}
	return nil
}

// record is the fields of one line.
type record []string

func blobRecord(d v1.Hash, m mark) record {
	return record{"blob", d.String(), strconv.FormatInt(m.size, 10), strconv.FormatInt(m.mtime, 10), strconv.FormatUint(m.inode, 10)}
}

func dropRecord(d v1.Hash) record { return record{"drop", d.String()} }

func layerRecord(d v1.Hash, f layer.Facts) record {
	return record{"layer", d.String(), f.Digest.String(), f.DiffID.String(), strconv.FormatInt(f.Size, 10), strconv.FormatUint(uint64(f.Checksum), 16)}
}

func placeRecord(k placeKey, repo string) record {
	return record{"place", k.host, k.blob.String(), repo}
}

func tagRecord(key string, d v1.Hash, until time.Time) record {
	return record{"tag", key, d.String(), strconv.FormatInt(until.Unix(), 10)}
}

func madeRecord(d v1.Hash, origin string) record { return record{"made", d.String(), origin} }

// apply takes one record in. What is not understood is left out: a journal is a memory, not a truth.
func (j *journal) apply(r record) {
	switch {
	case len(r) == 5 && r[0] == "blob":
		j.applyBlob(r)
	case len(r) == 2 && r[0] == "drop":
		if d, err := v1.NewHash(r[1]); err == nil {
			delete(j.blobs, d)
		}
	case len(r) == 5 && r[0] == "layer":
		j.applyLayer(append(r, "0"))
	case len(r) == 6 && r[0] == "layer":
		j.applyLayer(r)
	case len(r) == 4 && r[0] == "place":
		j.applyPlace(r)
	case len(r) == 4 && r[0] == "tag":
		d, err := v1.NewHash(r[2])
		until, bad := strconv.ParseInt(r[3], 10, 64)
		if err == nil && bad == nil {
			j.tags[r[1]] = resolution{d, until}
		}
	case len(r) == 3 && r[0] == "made":
		if d, err := v1.NewHash(r[1]); err == nil && !slices.Contains(j.made[d], r[2]) {
			j.made[d] = append(j.made[d], r[2])
		}
	}
}

func (j *journal) applyBlob(r record) {
	d, err := v1.NewHash(r[1])
	size, bad1 := strconv.ParseInt(r[2], 10, 64)
	mtime, bad2 := strconv.ParseInt(r[3], 10, 64)
	inode, bad3 := strconv.ParseUint(r[4], 10, 64)
	if err == nil && bad1 == nil && bad2 == nil && bad3 == nil {
		j.blobs[d] = mark{size, mtime, inode}
	}
}

func (j *journal) applyLayer(r record) {
	d, err := v1.NewHash(r[1])
	digest, bad1 := v1.NewHash(r[2])
	diff, bad2 := v1.NewHash(r[3])
	size, bad3 := strconv.ParseInt(r[4], 10, 64)
	crc, bad4 := strconv.ParseUint(r[5], 16, 32)
	if err == nil && bad1 == nil && bad2 == nil && bad3 == nil && bad4 == nil {
		j.layers[d] = layer.Facts{Digest: digest, DiffID: diff, Size: size, Checksum: uint32(crc)}
	}
}

func (j *journal) applyPlace(r record) {
	d, err := v1.NewHash(r[2])
	if err != nil {
		return
	}
	k := placeKey{r[1], d}
	for _, repo := range j.places[k] {
		if repo == r[3] {
			return
		}
	}
	j.places[k] = append(j.places[k], r[3])
}

func (j *journal) recorded(d v1.Hash, m mark) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	known, ok := j.blobs[d]
	return ok && known == m
}

// compact writes the journal anew when most of it is out of date. The caller has the store for itself.
func compact(path string) error {
	fi, err := os.Stat(path)
	if err != nil || fi.Size() < compactFrom {
		return nil
	}
	j, err := openJournal(path)
	if err != nil {
		return err
	}
	defer j.close()
	b := j.live(time.Now())
	if int64(len(b)) > fi.Size()/2 {
		return nil
	}
	return writeFile(path, b, 0o644)
}

// live is a journal that says the same in fewest records.
func (j *journal) live(now time.Time) []byte {
	var b bytes.Buffer
	put := func(r record) { b.WriteString("\n" + strings.Join(r, " ") + recordEnd) }
	for d, m := range j.blobs {
		put(blobRecord(d, m))
	}
	for d, f := range j.layers {
		put(layerRecord(d, f))
	}
	for k, repos := range j.places {
		for _, repo := range repos {
			put(placeRecord(k, repo))
		}
	}
	for key, r := range j.tags {
		if r.until > now.Unix() {
			put(tagRecord(key, r.digest, time.Unix(r.until, 0)))
		}
	}
	for d, origins := range j.made {
		for _, origin := range origins {
			put(madeRecord(d, origin))
		}
	}
	return b.Bytes()
}

package source

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// MaxFile is the size in bytes that a download has at most unless its File says otherwise.
const MaxFile = 4 << 30

// maxSums bounds a list of checksums.
const maxSums = 4 << 20

// ErrChecksum means that a file is not what its checksum says.
var ErrChecksum = errors.New("checksum does not match")

// Mismatch is a download that is not what its checksum says.
type Mismatch struct {
	// Of is what was downloaded; Is and Want are SHA-256 in hexadecimal.
	Of, Is, Want string
}

func (m *Mismatch) Error() string {
	return fmt.Sprintf("%v: %s: %v: it is sha256:%s, and sha256:%s was expected", ErrSource, m.Of, ErrChecksum, m.Is, m.Want)
}

// Unwrap makes the error an [ErrSource] and an [ErrChecksum].
func (m *Mismatch) Unwrap() []error { return []error{ErrSource, ErrChecksum} }

// File is a file to download.
type File struct {
	URL string
	// SHA256 is the hex of its checksum; SHA256URL is where a list of checksums has it, as sha256sum writes them, or a file that holds it alone.
	SHA256, SHA256URL string
	// Max bounds the size in bytes; 0 is MaxFile.
	Max int64
	// Mode is that of the file; 0 is 0644.
	Mode fs.FileMode
}

// Got is what a download gave.
type Got struct {
	// SHA256 is in hexadecimal; Size is in bytes.
	SHA256 string
	Size   int64
}

// Download fetches a file to a path. It appears there only when it is whole and its checksum, if any, is right. What the cache has is not fetched; what
// was fetched before in this run, and can be read from the cache, is not fetched again.
func (c *Client) Download(ctx context.Context, f File, to string) (Got, error) {
	want, err := c.checksum(ctx, f)
	if err != nil {
		return Got{}, err
	}
	if c.Cache == nil {
		return c.fetch(ctx, f, want, to)
	}
	if want != "" {
		if got, err := c.fromCache(want, f, to); err == nil {
			return got, nil
		}
	}
	mine := false
	got, err := do(&c.flights, "file "+f.URL+" "+want, func() (Got, error) {
		mine = true
		return c.fetch(ctx, f, want, to)
	})
	if err != nil || mine {
		return got, err
	}
	if got, err := c.fromCache(got.SHA256, f, to); err == nil {
		return got, nil
	}
	return c.fetch(ctx, f, got.SHA256, to)
}

// Checksum gives the SHA-256 that a file must have; empty when nothing says so.
func (c *Client) Checksum(ctx context.Context, f File) (string, error) { return c.checksum(ctx, f) }

func (c *Client) fromCache(sum string, f File, to string) (Got, error) {
	r, err := c.Cache.Open(sum)
	if err != nil {
		return Got{}, err
	}
	defer r.Close()
	got := Got{SHA256: sum}
	err = place(to, f.Mode, func(w *os.File) (err error) {
		got.Size, err = io.Copy(w, r)
		return err
	})
	return got, err
}

// place writes a file that appears under its name only when it is whole.
func place(to string, mode fs.FileMode, write func(*os.File) error) error {
	if info, err := os.Stat(to); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("write %s: it exists and is no file that could be replaced", to)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("make directory for %s: %w", to, err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(to), ".fetch-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", to, err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	if err := write(tmp); err != nil {
		return err
	}
	if mode == 0 {
		mode = 0o644
	}
	if err := errors.Join(tmp.Chmod(mode), tmp.Close(), os.Rename(tmp.Name(), to)); err != nil {
		return fmt.Errorf("write %s: %w", to, err)
	}
	return nil
}

// fetch downloads a file, compares it with its checksum and lets the cache keep it.
func (c *Client) fetch(ctx context.Context, f File, want, to string) (Got, error) {
	var got Got
	err := place(to, f.Mode, func(tmp *os.File) error {
		err := c.within(ctx, 6*c.limit(), f.URL, func(body io.Reader) (err error) {
			got, err = receive(body, f, tmp)
			return err
		})
		if err != nil {
			return err
		}
		if want != "" && got.SHA256 != want {
			return &Mismatch{Of: redact(f.URL), Is: got.SHA256, Want: want}
		}
		return c.keep(got, tmp)
	})
	return got, err
}

// Keep gives the cache a file whose checksum is known.
func (c *Client) Keep(sum string, file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("keep download: %w", err)
	}
	return c.keep(Got{SHA256: sum, Size: info.Size()}, file)
}

func (c *Client) keep(got Got, file *os.File) error {
	if c.Cache == nil {
		return nil
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read download: %w", err)
	}
	if err := c.Cache.Keep(got.SHA256, got.Size, file); err != nil {
		return fmt.Errorf("keep download: %w", err)
	}
	return nil
}

// receive writes the body of an answer, over what an earlier try may have left.
func receive(body io.Reader, f File, tmp *os.File) (Got, error) {
	limit := f.Max
	if limit <= 0 {
		limit = MaxFile
	}
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return Got{}, err
	}
	if err := tmp.Truncate(0); err != nil {
		return Got{}, err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(tmp, h), io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return Got{}, fmt.Errorf("%w after %d bytes", err, n)
	case n > limit:
		return Got{}, fmt.Errorf("more than %d bytes; --max allows more", limit)
	case n == 0:
		return Got{}, errors.New("the file is empty")
	}
	return Got{SHA256: hex.EncodeToString(h.Sum(nil)), Size: n}, nil
}

var sum = regexp.MustCompile(`^[0-9a-f]{64}$`)

// checksum is what the file must have; empty when nothing is known of it.
func (c *Client) checksum(ctx context.Context, f File) (string, error) {
	if f.SHA256 != "" {
		s := strings.ToLower(strings.TrimPrefix(f.SHA256, "sha256:"))
		if !sum.MatchString(s) {
			return "", fmt.Errorf("%w: %q is not a SHA-256: want 64 hexadecimal digits", ErrSource, f.SHA256)
		}
		return s, nil
	}
	if f.SHA256URL == "" {
		return "", nil
	}
	b, err := do(&c.flights, "sums "+f.SHA256URL, func() (b []byte, err error) {
		err = c.get(ctx, f.SHA256URL, func(body io.Reader) (err error) {
			b, err = io.ReadAll(io.LimitReader(body, maxSums))
			return err
		})
		return b, err
	})
	if err != nil {
		return "", fmt.Errorf("fetch checksum: %w", err)
	}
	u, err := url.Parse(f.URL)
	if err != nil {
		return "", fmt.Errorf("fetch %q: %w", f.URL, err)
	}
	s := findSum(b, path.Base(u.Path))
	if s == "" {
		return "", fmt.Errorf("%w: %s has no SHA-256 of %s", ErrSource, f.SHA256URL, path.Base(u.Path))
	}
	return s, nil
}

// tagged is a line of a list that names the algorithm, as BSD's sha256, sha256sum --tag and openssl write it.
var tagged = regexp.MustCompile(`^SHA(?:2-)?256 ?\((.+)\) ?= ?([0-9a-fA-F]{64})$`)

// findSum looks a file up in what sha256sum or a program like it wrote. A list that is one checksum without a name is the file's; what was read from
// standard input has the name -.
func findSum(list []byte, name string) string {
	lines := bufio.NewScanner(bytes.NewReader(list))
	alone, count := "", 0
	for lines.Scan() {
		of, s := sumLine(strings.TrimSpace(lines.Text()))
		if of != "" || s != "" {
			count++
		}
		switch {
		case s == "":
		case of == "" || of == "-":
			alone = s
		case path.Base(of) == name:
			return s
		}
	}
	if count == 1 {
		return alone
	}
	return ""
}

// sumLine reads the name and the checksum of a line; a line that is something else has a name at most.
func sumLine(line string) (name, s string) {
	if m := tagged.FindStringSubmatch(line); m != nil {
		return m[1], strings.ToLower(m[2])
	}
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return "", ""
	}
	s = strings.ToLower(strings.TrimPrefix(fields[0], "sha256:"))
	switch {
	case !sum.MatchString(s):
		return line, ""
	case len(fields) == 1:
		return "", s
	}
	return strings.TrimPrefix(fields[len(fields)-1], "*"), s
}

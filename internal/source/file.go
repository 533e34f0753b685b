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
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// MaxFile is the size in bytes that a download has at most unless its File says otherwise.
const MaxFile = 4 << 30

// maxSums bounds a list of checksums.
const maxSums = 4 << 20

// ErrChecksum means that a file is not what its checksum says.
var ErrChecksum = errors.New("checksum does not match")

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

// Downloader fetches files over HTTP.
type Downloader struct {
	// Client is what requests go through; nil is one that honours the proxy variables and gives a server a minute to answer.
	Client *http.Client
}

// Download fetches a file to a path, and gives its SHA-256 in hex. The file appears there only when it is whole and its checksum, if any, is right.
func (d Downloader) Download(ctx context.Context, f File, to string) (string, error) {
	want, err := d.checksum(ctx, f)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return "", fmt.Errorf("make directory for %s: %w", to, err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(to), ".fetch-*")
	if err != nil {
		return "", fmt.Errorf("write %s: %w", to, err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	got, err := d.copy(ctx, f, tmp)
	if err != nil {
		return "", err
	}
	if want != "" && got != want {
		return "", fmt.Errorf("%s: %w: it is sha256:%s, and sha256:%s was expected", f.URL, ErrChecksum, got, want)
	}
	mode := f.Mode
	if mode == 0 {
		mode = 0o644
	}
	if err := errors.Join(tmp.Chmod(mode), tmp.Close(), os.Rename(tmp.Name(), to)); err != nil {
		return "", fmt.Errorf("write %s: %w", to, err)
	}
	return got, nil
}

// copy writes the body of the answer and gives its checksum.
func (d Downloader) copy(ctx context.Context, f File, w io.Writer) (string, error) {
	limit := f.Max
	if limit <= 0 {
		limit = MaxFile
	}
	body, err := d.open(ctx, f.URL)
	if err != nil {
		return "", err
	}
	defer body.Close()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("fetch %s: %w after %d bytes", f.URL, err, n)
	case n > limit:
		return "", fmt.Errorf("fetch %s: more than %d bytes; --max allows more", f.URL, limit)
	case n == 0:
		return "", fmt.Errorf("fetch %s: the file is empty", f.URL)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (d Downloader) open(ctx context.Context, address string) (io.ReadCloser, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("fetch %q: want a URL that begins with https:// or http://", address)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", address, err)
	}
	client := d.Client
	if client == nil {
		client = defaultClient()
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", address, unwrapURL(err))
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, fmt.Errorf("fetch %s: the server answered %s", address, res.Status)
	}
	return res.Body, nil
}

func defaultClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = time.Minute
	return &http.Client{Transport: t}
}

// unwrapURL leaves out the method and address that net/http puts before an error, since they are said already.
func unwrapURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

var sum = regexp.MustCompile(`^[0-9a-f]{64}$`)

// checksum is what the file must have; empty when nothing is known of it.
func (d Downloader) checksum(ctx context.Context, f File) (string, error) {
	if f.SHA256 != "" {
		s := strings.ToLower(strings.TrimPrefix(f.SHA256, "sha256:"))
		if !sum.MatchString(s) {
			return "", fmt.Errorf("%q is not a SHA-256: want 64 hexadecimal digits", f.SHA256)
		}
		return s, nil
	}
	if f.SHA256URL == "" {
		return "", nil
	}
	body, err := d.open(ctx, f.SHA256URL)
	if err != nil {
		return "", err
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, maxSums))
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", f.SHA256URL, err)
	}
	u, err := url.Parse(f.URL)
	if err != nil {
		return "", fmt.Errorf("fetch %q: %w", f.URL, err)
	}
	s := findSum(b, path.Base(u.Path))
	if s == "" {
		return "", fmt.Errorf("%s has no SHA-256 of %s", f.SHA256URL, path.Base(u.Path))
	}
	return s, nil
}

// findSum looks a file up in what sha256sum wrote. A list that is one checksum without a name is the file's.
func findSum(list []byte, name string) string {
	lines := bufio.NewScanner(bytes.NewReader(list))
	first, count := "", 0
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		count++
		s := strings.ToLower(fields[0])
		switch {
		case !sum.MatchString(s):
		case len(fields) == 1:
			first = s
		case path.Base(strings.TrimPrefix(fields[len(fields)-1], "*")) == name:
			return s
		}
	}
	if count == 1 {
		return first
	}
	return ""
}

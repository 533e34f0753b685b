package source_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/source"
)

// serveFiles answers with a file of 5 bytes, checksums of it in several forms, and what goes wrong with servers.
func serveFiles(t *testing.T) string {
	t.Helper()
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("hello")))
	pages := map[string]string{
		"/tool": "hello", "/empty": "",
		"/SHA256SUMS":  strings.Repeat("0", 64) + "  tool.other\n" + sum + " *tool\n",
		"/tool.sha256": sum + "\n", "/other.sums": strings.Repeat("0", 64) + "  tool.other\n",
		"/two.sums": sum + "\n" + sum + "\n",
		"/bsd.sums": "SHA512 (tool) = " + strings.Repeat("0", 128) + "\nSHA256 (tool.other) = " + strings.Repeat("0", 64) + "\r\nSHA256 (dist/tool) = " + sum + "\r\n",
		"/openssl":  "SHA2-256(tool)= " + sum + "\n", "/stdin": sum + "  -\n", "/prefixed": "sha256:" + sum + "\n",
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.Path]
		if r.URL.Path == "/short" {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("hello"))
			return
		}
		if !ok {
			http.Error(w, "<html>not here</html>", http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(page))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestDownload(t *testing.T) {
	t.Parallel()
	base := serveFiles(t)
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("hello")))
	tests := []struct {
		name string
		file source.File
		want string // of the error
	}{
		{"plain", source.File{URL: base + "/tool"}, ""},
		{"checksum", source.File{URL: base + "/tool", SHA256: "sha256:" + strings.ToUpper(sum)}, ""},
		{"list of checksums", source.File{URL: base + "/tool?x=1", SHA256URL: base + "/SHA256SUMS"}, ""},
		{"checksum alone", source.File{URL: base + "/tool", SHA256URL: base + "/tool.sha256"}, ""},
		{"list of BSD", source.File{URL: base + "/tool", SHA256URL: base + "/bsd.sums"}, ""},
		{"list of openssl", source.File{URL: base + "/tool", SHA256URL: base + "/openssl"}, ""},
		{"checksum of standard input", source.File{URL: base + "/tool", SHA256URL: base + "/stdin"}, ""},
		{"checksum with its algorithm", source.File{URL: base + "/tool", SHA256URL: base + "/prefixed"}, ""},
		{"BSD without it", source.File{URL: base + "/tool.gz", SHA256URL: base + "/bsd.sums"}, "/bsd.sums has no SHA-256 of tool.gz"},
		{"wrong checksum", source.File{URL: base + "/tool", SHA256: strings.Repeat("0", 64)}, "checksum does not match: it is sha256:" + sum},
		{"no checksum", source.File{URL: base + "/tool", SHA256: "abc"}, `"abc" is not a SHA-256`},
		{"not in the list", source.File{URL: base + "/tool", SHA256URL: base + "/other.sums"}, "/other.sums has no SHA-256 of tool"},
		{"two checksums without names", source.File{URL: base + "/tool", SHA256URL: base + "/two.sums"}, "has no SHA-256 of tool"},
		{"list is missing", source.File{URL: base + "/tool", SHA256URL: base + "/gone"}, "/gone: the server answered 404 Not Found"},
		{"missing", source.File{URL: base + "/gone"}, "/gone: the server answered 404 Not Found"},
		{"empty", source.File{URL: base + "/empty"}, "the file is empty"},
		{"too large", source.File{URL: base + "/tool", Max: 4}, "more than 4 bytes"},
		{"cut short", source.File{URL: base + "/short"}, "unexpected EOF after 5 bytes"},
		{"not a URL", source.File{URL: "file:///etc/passwd"}, `"file:///etc/passwd" is no address: want https://HOST/PATH`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			to := filepath.Join(t.TempDir(), "opt", "tool")
			test.file.Mode = 0o755
			client := &source.Client{Wait: func(context.Context, time.Duration) error { return nil }}
			got, err := client.Download(t.Context(), test.file, to)
			if test.want != "" {
				wantFailure(t, err, test.want, to)
				return
			}
			if err != nil || got.SHA256 != sum || got.Size != 5 {
				t.Fatalf("got %s, %v", got.SHA256, err)
			}
			if info, err := os.Stat(to); err != nil || info.Size() != 5 || info.Mode().Perm() != 0o755 {
				t.Fatalf("file: %v, %v", info, err)
			}
		})
	}
}

// wantFailure checks the message, and that nothing was left behind.
func wantFailure(t *testing.T, err error, want, to string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q in it", err, want)
	}
	left, err := os.ReadDir(filepath.Dir(to))
	if err != nil && !errors.Is(err, fs.ErrNotExist) || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestDownloadReplacesFilesOnly has a directory where the file is to be; a device would be the same.
func TestDownloadReplacesFilesOnly(t *testing.T) {
	t.Parallel()
	base, to := serveFiles(t), t.TempDir()
	_, err := (&source.Client{}).Download(t.Context(), source.File{URL: base + "/tool"}, to)
	if err == nil || err.Error() != "write "+to+": it exists and is no file that could be replaced" {
		t.Error(err)
	}
}

package disk_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/labring-actions/cluster-image/internal/disk"
)

func TestErrorsSayWhatIsNeeded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  disk.SpaceError
		want string
	}{
		{disk.SpaceError{Dir: "/out", Need: 13_000_000, Free: 2_100_000, Flag: "--output", Err: syscall.ENOSPC},
			"/out needs 13.0 MB more, 2.10 MB free: make room or choose another directory with --output: no space left on device"},
		{disk.SpaceError{Dir: "/out", Free: -1, Err: syscall.EROFS},
			"/out cannot be written to: choose another directory: read-only file system"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	full := fmt.Errorf("write chart: %w", &fs.PathError{Op: "write", Path: filepath.Join(dir, "missing", "file"), Err: syscall.ENOSPC})
	var e *disk.SpaceError
	if err := disk.ExplainAnywhere(full); !errors.As(err, &e) || e.Dir != filepath.Join(dir, "missing") || e.Free <= 0 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
	if again := disk.Explain(e, "/elsewhere", 7, "--x"); again != error(e) {
		t.Errorf("explained twice: %v", again)
	}
	other := errors.New("something else")
	if disk.Explain(other, dir, 1, "") != other || disk.ExplainAnywhere(other) != other || disk.Explain(nil, dir, 1, "") != nil {
		t.Error("an error of another kind was changed")
	}
	if err := disk.Room(dir, 1<<62, "--cache"); !errors.As(err, &e) || e.Need != 1<<62 || e.Free <= 0 {
		t.Errorf("got %v", err)
	}
	if err := disk.Room(dir, 1, ""); err != nil {
		t.Error(err)
	}
}

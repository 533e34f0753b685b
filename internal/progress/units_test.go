package progress_test

import (
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/progress"
)

func TestBytes(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.00 kB", 1536: "1.54 kB", 12_400_000: "12.4 MB", 99_960_000: "100 MB", 335_000_000: "335 MB",
		999_600_000: "1.00 GB", 2 << 30: "2.15 GB", -5000: "-5.00 kB", 1<<63 - 1: "9.22 EB",
	} {
		if got := progress.Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
	if got := progress.Rate(52_100_000); got != "52.1 MB/s" {
		t.Errorf("Rate = %q", got)
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0.0s", 340 * time.Millisecond: "0.3s", 12 * time.Second: "12s", 59600 * time.Millisecond: "1m00s",
		245 * time.Second: "4m05s", 62 * time.Minute: "1h02m",
	} {
		if got := progress.Duration(d); got != want {
			t.Errorf("Duration(%v) = %q, want %q", d, got, want)
		}
	}
}

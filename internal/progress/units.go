package progress

import (
	"fmt"
	"math"
	"time"
)

// units are decimal, as registries, disks and networks count: 1 MB is 1,000,000 bytes.
var units = []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}

// Bytes writes a size with three digits at most: 0 B, 999 B, 1.5 kB, 12.4 MB, 335 MB, 2.15 GB. Units are decimal.
func Bytes(n int64) string { return scaled(float64(n)) }

// SignedBytes writes a difference of sizes with its sign: +1.5 kB, -12 B, +0 B.
func SignedBytes(n int64) string {
	if n < 0 {
		return Bytes(n)
	}
	return "+" + Bytes(n)
}

// Rate writes a rate of bytes a second.
func Rate(perSecond float64) string { return scaled(perSecond) + "/s" }

func scaled(v float64) string {
	if v < 0 {
		return "-" + scaled(-v)
	}
	i := 0
	for v >= 999.5 && i < len(units)-1 {
		v /= 1000
		i++
	}
	switch {
	case i == 0 || v >= 99.95:
		return fmt.Sprintf("%.0f %s", v, units[i])
	case v >= 9.995:
		return fmt.Sprintf("%.1f %s", v, units[i])
	default:
		return fmt.Sprintf("%.2f %s", v, units[i])
	}
}

// Duration writes a time as a person says it: 0.3s, 12s, 4m05s, 1h02m.
func Duration(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 9.95:
		return fmt.Sprintf("%.1fs", s)
	case s < 59.5:
		return fmt.Sprintf("%.0fs", s)
	default:
		return minutes(int(math.Round(s)))
	}
}

func minutes(s int) string {
	if s < 3600 {
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
}

// seconds makes a duration of a number of seconds.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// plural counts things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

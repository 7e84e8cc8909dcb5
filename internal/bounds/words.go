package bounds

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// unit is a unit of sizes.
type unit struct {
	name  string
	bytes int64
}

// units of sizes, the longest names first. Those from KiB on are shown, too.
func units() []unit {
	return []unit{
		{"TiB", tib}, {"GiB", gib}, {"MiB", mib}, {"KiB", kib},
		{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"kB", 1e3}, {"B", 1}, {"", 1},
	}
}

// ParseSize reads a size: a whole number, with or without a unit.
func ParseSize(s string) (int64, error) {
	wrong := errors.New(`this is no size such as "64MiB"; the units are KiB, MiB, GiB, TiB, and KB, MB, GB, TB of 1000s`)
	for _, u := range units() {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimRight(digits, " "), 10, 63)
		if errors.Is(err, strconv.ErrRange) || err == nil && int64(n) > math.MaxInt64/u.bytes {
			return 0, errors.New("this size is too large to count")
		}
		if err != nil {
			return 0, wrong
		}
		return int64(n) * u.bytes, nil
	}
	return 0, wrong
}

// FormatSize returns a size in the largest unit that it is a whole number of.
func FormatSize(n int64) string {
	for _, u := range units()[:4] {
		if n != 0 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// ParseAge reads a time: whole days, or what Go reads.
func ParseAge(s string) (time.Duration, error) {
	if digits, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(digits, 10, 63)
		if errors.Is(err, strconv.ErrRange) || err == nil && n > uint64(math.MaxInt64/day) {
			return 0, errors.New("this time is too long to count")
		}
		if err == nil {
			return time.Duration(n) * day, nil
		}
	}
	age, err := time.ParseDuration(s)
	if err != nil {
		return 0, errors.New(`this is no time such as "14d", "36h" or "90m"`)
	}
	return age, nil
}

// FormatAge returns a time in whole days, or as Go writes it without its zeros.
func FormatAge(d time.Duration) string {
	if d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

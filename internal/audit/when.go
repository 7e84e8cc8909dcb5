package audit

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// layouts are the forms of a time, the ones without a zone in that of now.
func layouts() []string {
	return []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly}
}

// ParseWhen reads a time as people write it: RFC 3339, a date, a date and a time of
// day in the zone of now, or how long ago it is: 90s, 15m, 2h, 7d, 4w, 1h30m.
func ParseWhen(text string, now time.Time) (time.Time, error) {
	for _, layout := range layouts() {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	if ago, ok := parseAgo(text); ok {
		return now.Add(-ago), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: give one such as 2026-11-21, 2026-11-21T12:00:00Z, or how long ago it is, such as 2h or 7d", text)
}

func parseAgo(text string) (time.Duration, bool) {
	const day = 24 * time.Hour
	for unit, length := range map[string]time.Duration{"d": day, "w": 7 * day} {
		if digits, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseUint(digits, 10, 16)
			return time.Duration(n) * length, err == nil && time.Duration(n) <= math.MaxInt64/length
		}
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}

package usage

import "time"

// ParseStat returns what is read of a stat file.
func ParseStat(data []byte) (parent int, own, waited time.Duration, err error) {
	s, err := parseStat(data)
	return s.parent, s.own, s.waited, err
}

package audit

import (
	"errors"
	"io/fs"
	"os"
)

// SetOptions has the log go on with other options. What 0 and less mean is as with
// Open.
func (l *Log) SetOptions(options Options) {
	options = options.withDefaults()
	l.mu.Lock()
	l.options = options
	l.mu.Unlock()
	l.space.set(newSpace(l.dir, options))
}

// withDefaults fills in what a segment is.
func (o Options) withDefaults() Options {
	if o.SegmentSize == 0 {
		o.SegmentSize = DefaultSegmentSize
	}
	if o.SegmentAge == 0 {
		o.SegmentAge = DefaultSegmentAge
	}
	return o
}

// set has s work with what another one wants. A reserve that is too small grows
// with the next look at the disk.
func (s *space) set(next *space) {
	s.mu.Lock()
	s.lowWater, s.want = next.lowWater, next.want
	s.look()
	s.mu.Unlock()
	_ = s.shorten(next.want) // an attempt: it holds more than it has to
}

// shorten gives back what the reserve has that is more than is wanted.
func (s *space) shorten(want int64) error {
	s.file.Lock()
	defer s.file.Unlock()
	var err error
	switch {
	case want == 0:
		err = os.Remove(s.path())
	case s.held() > want:
		err = os.Truncate(s.path(), want)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

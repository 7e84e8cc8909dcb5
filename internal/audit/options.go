package audit

// SetOptions has the log go on with other options. What 0 means is as with Open.
func (l *Log) SetOptions(options Options) {
	if options.SegmentSize == 0 {
		options.SegmentSize = DefaultSegmentSize
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.options = options
}

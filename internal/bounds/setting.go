package bounds

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Kind is what a value is.
type Kind int

// The kinds of value.
const (
	Count  Kind = iota // a number
	Size               // bytes
	Age                // a time, in nanoseconds
	Switch             // on is 1, off is 0
)

// Setting is one value of a block.
type Setting struct {
	Name        string
	Kind        Kind
	Least, Most int64 // both are allowed

	at any // where it is: *int64, *time.Duration, *bool
}

// Value returns the value that is set, as a number.
func (s Setting) Value() int64 {
	switch at := s.at.(type) {
	case *int64:
		return *at
	case *time.Duration:
		return int64(*at)
	case *bool:
		if *at {
			return 1
		}
	}
	return 0
}

// Set sets the value, unless it is out of range.
func (s Setting) Set(v int64) error {
	if v < s.Least || v > s.Most {
		return errors.New("it must be " + s.Range())
	}
	switch at := s.at.(type) {
	case *int64:
		*at = v
	case *time.Duration:
		*at = time.Duration(v)
	case *bool:
		*at = v == 1
	}
	return nil
}

// Range returns the words for what is allowed: "from 1MiB to 1GiB".
func (s Setting) Range() string {
	return fmt.Sprintf("from %s to %s", s.format(s.Least), s.format(s.Most))
}

// String returns the value in the form that is easiest to read: "64MiB", "7d".
func (s Setting) String() string { return s.format(s.Value()) }

func (s Setting) format(v int64) string {
	switch s.Kind {
	case Size:
		return FormatSize(v)
	case Age:
		return FormatAge(time.Duration(v))
	case Switch:
		return strconv.FormatBool(v == 1)
	default:
		return strconv.FormatInt(v, 10)
	}
}

// Read sets the value from its words, as a file has them: a Size or an Age.
func (s Setting) Read(text string) error {
	var v int64
	var err error
	if s.Kind == Size {
		v, err = ParseSize(text)
	} else {
		var age time.Duration
		age, err = ParseAge(text)
		v = int64(age)
	}
	if err != nil {
		return err
	}
	return s.Set(v)
}

// JSON returns the value as keytrustee.conf has it: a size as a number of bytes, a
// time as Go writes it.
func (s Setting) JSON() any {
	switch at := s.at.(type) {
	case *time.Duration:
		return at.String()
	case *bool:
		return *at
	}
	return s.Value()
}

// ReadJSON sets the value from what JSON returns.
func (s Setting) ReadJSON(raw json.RawMessage) error {
	switch s.Kind {
	case Age:
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return errors.New(`it is no time in quotes, such as "336h"`)
		}
		return s.Read(text)
	case Switch:
		var on bool
		if err := json.Unmarshal(raw, &on); err != nil || string(raw) == "null" {
			return errors.New("it is neither true nor false")
		}
		if on {
			return s.Set(1)
		}
		return s.Set(0)
	default:
		var v int64
		if err := json.Unmarshal(raw, &v); err != nil || string(raw) == "null" {
			return errors.New("it is no whole number")
		}
		return s.Set(v)
	}
}

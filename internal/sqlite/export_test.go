package sqlite

import "fmt"

// WriterPragma asks the writing connection for a setting.
func WriterPragma(s *Store, name string) (string, error) { return s.writer.pragma(name) }

// ReaderPragma asks a reading connection for a setting.
func ReaderPragma(s *Store, name string) (string, error) {
	c := <-s.readers
	defer func() { s.readers <- c }()
	return c.pragma(name)
}

func (c *conn) pragma(name string) (value string, err error) {
	_, err = c.find(`PRAGMA `+name, nil, func(r *row) error {
		value = fmt.Sprint(r.value())
		return nil
	})
	return value, err
}

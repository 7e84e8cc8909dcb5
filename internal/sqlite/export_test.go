package sqlite

import "context"

// WriterPragma asks the writing connection for a setting.
func WriterPragma(s *Store, name string) (value string, err error) {
	err = s.conn.QueryRowContext(context.Background(), `PRAGMA `+name).Scan(&value)
	return value, err
}

// ReaderPragma asks a reading connection for a setting.
func ReaderPragma(s *Store, name string) (value string, err error) {
	err = s.readers.QueryRowContext(context.Background(), `PRAGMA `+name).Scan(&value)
	return value, err
}

package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"

	sqlite "modernc.org/sqlite"
)

// conn is one connection with its prepared statements, for one goroutine at a
// time. It goes by the driver alone: the locks and conversions of database/sql
// cost as much as a read.
type conn struct {
	driver.Conn
	statements map[string]*statement
}

// statement is prepared once for a connection.
type statement struct {
	driver.Stmt
	args []driver.NamedValue // kept for the next call
	dest []driver.Value
}

// dial opens a connection to what dsn names.
func dial(dsn string) (*conn, error) {
	c, err := (&sqlite.Driver{}).Open(dsn)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, statements: map[string]*statement{}}, nil
}

// Close closes the connection, if there is one, and what was prepared on it.
func (c *conn) Close() error {
	if c == nil {
		return nil
	}
	var errs []error
	for _, st := range c.statements {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, c.Conn.Close())...)
}

// prepare returns the statement of a text, with its arguments bound.
func (c *conn) prepare(query string, args []any) (*statement, error) {
	st, ok := c.statements[query]
	if !ok {
		prepared, err := c.Prepare(query)
		if err != nil {
			return nil, err
		}
		st = &statement{Stmt: prepared}
		c.statements[query] = st
	}
	st.args = st.args[:0]
	for i, arg := range args {
		st.args = append(st.args, driver.NamedValue{Ordinal: i + 1, Value: valueOf(arg)})
	}
	return st, nil
}

// valueOf is arg as the driver takes it: of the kinds int64, string, []byte and nil.
func valueOf(arg any) driver.Value {
	switch v := arg.(type) {
	case nil, int64, string, []byte:
		return v
	case int:
		return int64(v)
	case uint32:
		return int64(v)
	}
	switch v := reflect.ValueOf(arg); v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Int, reflect.Int64:
		return v.Int()
	}
	return arg // which the driver refuses
}

// exec runs a statement that returns no rows. No context reaches it.
func (c *conn) exec(query string, args ...any) error {
	st, err := c.prepare(query, args)
	if err != nil {
		return err
	}
	_, err = st.Stmt.(driver.StmtExecContext).ExecContext(context.Background(), st.args)
	return err
}

// each calls f for every row of a query, until it returns errEnough.
func (c *conn) each(query string, args []any, f func(*row) error) (err error) {
	st, err := c.prepare(query, args)
	if err != nil {
		return err
	}
	rows, err := st.Stmt.(driver.StmtQueryContext).QueryContext(context.Background(), st.args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if st.dest == nil {
		st.dest = make([]driver.Value, len(rows.Columns()))
	}
	for {
		if err := rows.Next(st.dest); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		r := row{values: st.dest}
		if err := f(&r); errors.Is(err, errEnough) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// errEnough ends a query before its last row.
var errEnough = errors.New("no more rows are wanted")

// find calls f for the one row of a query; that there is none is no error.
func (c *conn) find(query string, args []any, f func(*row) error) (found bool, err error) {
	err = c.each(query, args, func(r *row) error {
		found = true
		if err := f(r); err != nil {
			return err
		}
		return errEnough
	})
	return found && err == nil, err
}

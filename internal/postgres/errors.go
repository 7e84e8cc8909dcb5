package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ktsd/ktsd/internal/fault"
)

// errUnreadable is a value that ktsd cannot have written.
var errUnreadable = errors.New("a value that ktsd has not written")

// trouble is what a class of errors means: the codes are PostgreSQL's
// (https://www.postgresql.org/docs/current/errcodes-appendix.html), and those of
// two characters stand for a class.
type trouble struct {
	codes         []string
	message, hint string
}

// readOnly is the code of a write in a session that may only read.
const readOnly = "25006"

// passing are the troubles that a later try may not meet.
var passing = []trouble{
	{[]string{"53300"}, "the database has no connection left for the server", "raise max_connections of PostgreSQL, or lower pool_max_conns in the database's URL"},
	{[]string{"53100"}, "the disk of the database is full", "make room; writing goes on by itself then"},
	{[]string{"53"}, "the database is out of resources", "see PostgreSQL's log"},
	{[]string{"57P01", "57P02", "57P03", "57P05"}, "the database is starting or stopping", "it goes on by itself once PostgreSQL is up"},
	{[]string{readOnly}, "the database is read-only", "see that the URL leads to the primary (target_session_attrs=read-write), and default_transaction_read_only"},
	{[]string{"40", "55P03", "57014"}, "the database gave the statement up", "see PostgreSQL's log for who else uses the database"},
	{[]string{"28"}, "the database does not let the server in", "see the user and password in the database's URL, and pg_hba.conf"},
	{[]string{"3D000"}, "the database does not exist", "see the database's URL"},
	{[]string{"42501"}, "the database's user may not do this", "make the user the owner of the database and its tables"},
	{[]string{"08", "25P03"}, "the connection to the database broke", "see PostgreSQL's log"},
	{[]string{"58"}, "the database's disk has an error", "see PostgreSQL's log, and the disk"},
}

// fits says whether a code belongs to the trouble.
func (t trouble) fits(code string) bool {
	for _, c := range t.codes {
		if code == c || len(c) == 2 && len(code) == 5 && code[:2] == c {
			return true
		}
	}
	return false
}

// oneLine is an error of pgx, which lists the attempts to connect on a line each, as
// logs have it.
type oneLine struct{ error }

// Error returns the text on one line.
func (e oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }

// Unwrap returns the error as it was.
func (e oneLine) Unwrap() error { return e.error }

// explain returns the fault that an error stands for which leaves nothing
// written; nil if the kind of error says that the change itself is at fault.
func explain(doing string, err error) *fault.Error {
	cause := fmt.Errorf("%s: %w", doing, oneLine{err})
	if errors.Is(err, errUnreadable) {
		return corrupt(cause)
	}
	pgErr, answered := errors.AsType[*pgconn.PgError](err)
	if !answered {
		return fault.New(fault.Unavailable, "the database cannot be reached").
			WithHint("the server's operator: see that PostgreSQL runs, and ktsd's log; it goes on by itself once it is back").Because(cause)
	}
	if pgErr.Code == "XX001" || pgErr.Code == "XX002" {
		return corrupt(cause)
	}
	for _, t := range passing {
		if t.fits(pgErr.Code) {
			return fault.New(fault.Unavailable, "%s", t.message).WithHint("the server's operator: %s", t.hint).Because(cause)
		}
	}
	return nil
}

// refusal is the fault of a change that left nothing written.
func refusal(doing string, err error) error {
	if f := explain(doing, err); f != nil {
		return f
	}
	return fault.New(fault.Internal, "the database refused the change").Because(fmt.Errorf("%s: %w", doing, err))
}

// readError tells of a read that failed.
func readError(ctx context.Context, doing string, err error) error {
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("%s: %w", doing, ended)
	}
	if f := explain(doing, err); f != nil {
		return f
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func corrupt(err error) *fault.Error {
	return fault.New(fault.Corrupt, "the database holds what ktsd has not written").
		WithHint("the server's operator: see ktsd's log; restore the database from a backup").Because(err)
}

// told is the error of a start, with what to do where that is known.
func told(doing string, err error) error {
	if f := explain(doing, err); f != nil {
		return f
	}
	return fmt.Errorf("%s: %w", doing, err)
}

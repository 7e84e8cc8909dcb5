package plan

import (
	"context"
	"fmt"

	"github.com/ktsd/ktsd/internal/site"
)

// Database is a database, and the words that stand for it.
type Database struct {
	site.Database
	Shown string // "sqlite", "postgres db.example.com:5432/keytrustee as ktsd"; never a password
}

// SetDatabase makes the tables, where there are none, and has keytrustee.conf name
// the database. What another one holds stays there. ktsd is stopped meanwhile.
type SetDatabase struct {
	Database   Database
	Attributes []Attribute // old = what keytrustee.conf says
	Leaves     string      // the database that keytrustee.conf named, as it is shown; empty: it is the same one
}

// String says what the step does.
func (c SetDatabase) String() string { return "set the database" }

func (c SetDatabase) views() []changeView {
	v := changeView{"database", c.Database.Engine, actionChange, attributeLines(c.Attributes)}
	v.lines = append(v.lines, lineView{Name: "tables", New: &Value{Note: "made, if there are none"}})
	if c.Leaves != "" {
		v.lines = append(v.lines, lineView{Name: "deposits", New: &Value{Note: fmt.Sprintf("not moved: what %q holds stays there", c.Leaves)}})
	}
	return []changeView{v}
}

func (c SetDatabase) run(ctx context.Context, t Target) error {
	return t.SetDatabase(ctx, c.Database.Database)
}

func (c SetDatabase) outcome(string) []string {
	return []string{fmt.Sprintf("database %q: its tables are there, and keytrustee.conf names it", c.Database.Engine)}
}

// diffDatabase compares the database with what keytrustee.conf names, and, where
// ktsd does not run with what is desired, says why it has to stop.
func diffDatabase(desired Database, live Live) (changes []Change, stop string) {
	is, wanted := live.Database, desired
	is.Database, wanted.Database = is.WithDefaults(), wanted.WithDefaults()
	if is.Database != wanted.Database {
		change := SetDatabase{Database: wanted}
		if is.Shown != wanted.Shown {
			change.Leaves = is.Shown
			change.Attributes = append(change.Attributes, Attribute{"database", databaseValue(is), databaseValue(wanted)})
		} else if is.URL != wanted.URL {
			change.Attributes = append(change.Attributes, Attribute{"url", urlValue(is.URL), urlValue(wanted.URL)})
		}
		if is.URLFile != wanted.URLFile {
			change.Attributes = append(change.Attributes, Attribute{"url_file", fileValue(is.URLFile), fileValue(wanted.URLFile)})
		}
		changes = append(changes, change)
	}
	if r := live.Running; r != nil && (r.DatabaseChanged || len(changes) > 0) {
		stop = fmt.Sprintf("it runs with %q, and takes on a database only when it starts", r.Database)
	}
	return changes, stop
}

func databaseValue(d Database) Value {
	return Value{Text: d.Shown, Default: d.Engine == site.DefaultEngine}
}

// urlValue shows no URL: keytrustee.conf's may hold a password.
func urlValue(url string) Value {
	if url == "" {
		return Value{Note: "none"}
	}
	return Value{Sensitive: true}
}

func fileValue(path string) Value {
	if path == "" {
		return Value{Note: "none"}
	}
	return Value{Text: path}
}

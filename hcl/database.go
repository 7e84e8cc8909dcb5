package hcl

import (
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ktsd/ktsd/internal/site"
)

// databaseBlock is the schema of
//
//	database "sqlite" {}    # default
//
// or
//
//	database "postgres" {
//	  url      = "postgres://ktsd@db.example.com/keytrustee?passfile=/etc/keytrustee/pgpass"   # without a password, or:
//	  url_file = "/etc/keytrustee/database-url"                                                # mode 0600
//	}
func databaseBlock() blockKind {
	return blockKind{
		label:   "engine",
		example: `database "postgres" {`,
		labels:  site.Engines(),
		single:  true,
		store:   storeDatabase,
		body: bodySchema{
			kind:       "database",
			attributes: []string{"url", "url_file"},
			later:      []string{"root", "port"},
			instead:    advice{noPassword, passwordElsewhere},
		},
	}
}

// What to do with a password that stands in the file.
const (
	noPassword        = "A site file is read by many, so no password stands in it."
	passwordElsewhere = `Name a password file in the url (passfile=/etc/keytrustee/pgpass), or give the path of a file that holds the whole url: url_file = "/etc/keytrustee/database-url"`
)

func storeDatabase(d *decoder, engine string, body *hclsyntax.Body) {
	database := site.Database{Engine: engine}
	hasURL, hasFile := d.isSet(body, "url"), d.isSet(body, "url_file")
	if engine == site.EngineSQLite {
		d.withoutEffect(body, "url", "url_file")
	} else {
		database.URL = d.databaseURL(body)
		database.URLFile, _ = d.text(body, "url_file", checkPath)
	}
	switch {
	case engine != site.EnginePostgres:
	case hasURL && hasFile:
		d.report(body.Attributes["url_file"].NameRange, "url and url_file", "One of the two says where the database is, not both.", "")
	case !hasURL && !hasFile:
		d.report(d.header, "neither url nor url_file", "One of the two says where the database is.",
			`Add for example: url = "postgres://ktsd@db.example.com/keytrustee"`)
	}
	if d.blockIsValid() {
		d.config.site.Database = &database
	}
}

// withoutEffect reports what an embedded database has no use for.
func (d *decoder) withoutEffect(body *hclsyntax.Body, names ...string) {
	for _, name := range names {
		if d.isSet(body, name) {
			d.report(body.Attributes[name].NameRange, name+" has no effect here",
				"SQLite is a file, which has its place in each server's state directory.",
				fmt.Sprintf("Remove %s, or write: %s", name, databaseBlock().example))
		}
	}
}

// databaseURL returns the url of a database, which has no password in it; "" if it
// is absent, or wrong and reported.
func (d *decoder) databaseURL(body *hclsyntax.Body) string {
	url, isSet := d.text(body, "url", func(string) error { return nil })
	if !isSet {
		return ""
	}
	err := site.CheckDatabaseURL(url)
	if err == nil {
		return url
	}
	place := body.Attributes["url"].Expr.Range()
	if errors.Is(err, site.ErrPassword) {
		d.report(place, "password in url", noPassword, passwordElsewhere)
	} else {
		d.invalid(place, "url", url, err)
	}
	return ""
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/plan"
	"github.com/ktsd/ktsd/internal/postgres"
	"github.com/ktsd/ktsd/internal/safefile"
	"github.com/ktsd/ktsd/internal/site"
	"github.com/ktsd/ktsd/internal/sqlite"
)

// desiredDatabase reads where the file says that the database is, and checks on this
// host what it names: files, services. Whether anybody answers there is found out
// when it is applied.
func desiredDatabase(config *hcl.Config, declared site.Database) (plan.Database, hcl.Diagnostics) {
	attr := "url"
	if declared.URLFile != "" {
		attr = "url_file"
	}
	url, err := confOf(declared).ReadDatabaseURL()
	if err == nil && declared.Engine == site.EnginePostgres {
		if err = site.CheckSecretDatabaseURL(url); err != nil {
			err = fmt.Errorf("the URL is wrong: %w", err)
		} else {
			err = postgres.CheckURL(url)
		}
	}
	if err != nil {
		return plan.Database{Database: declared}, hcl.Diagnostics{config.ErrorAt("database", declared.Engine, attr,
			"the database's URL cannot be used on this host", sentence(err))}
	}
	return plan.Database{Database: declared, Shown: describe(url)}, nil
}

// liveDatabase is the database that keytrustee.conf names.
func liveDatabase(conf confdir.Conf) plan.Database {
	if !conf.UsesPostgres() {
		return plan.Database{Database: site.Database{Engine: site.EngineSQLite}, Shown: describe("")}
	}
	d := plan.Database{
		Database: site.Database{Engine: site.EnginePostgres, URL: conf.DatabaseURL, URLFile: conf.DatabaseURLFile},
		Shown:    "postgres",
	}
	if url, err := conf.ReadDatabaseURL(); err == nil && url != "" {
		d.Shown = describe(url)
	}
	return d
}

// describe puts a database in words that show no password, as ktsd does.
func describe(url string) string {
	if url == "" {
		return "sqlite"
	}
	return "postgres " + postgres.Describe(url)
}

// confOf is a keytrustee.conf of which a database is the whole content.
func confOf(d site.Database) confdir.Conf {
	return confdir.Conf{DatabaseURL: d.URL, DatabaseURLFile: d.URLFile}
}

// SetDatabase implements plan.Target. The tables come first: keytrustee.conf never
// names a database that has none. ktsd cannot start meanwhile.
func (t *target) SetDatabase(ctx context.Context, d site.Database) error {
	lock, err := t.dir.TakeLock()
	if errors.Is(err, confdir.ErrLocked) {
		return stopFirst(t.dir)
	} else if err != nil {
		return err
	}
	defer lock.Close()
	conf, err := t.conf()
	if err != nil {
		return err
	}
	if err := makeTables(ctx, t.dir, conf, confOf(d)); err != nil {
		return err
	}
	conf.DatabaseURL, conf.DatabaseURLFile = d.URL, d.URLFile
	return t.swap(conf)
}

// stopFirst tells how to go on where ktsd runs and its database is to change.
func stopFirst(dir confdir.Dir) error {
	how := "kill the ktsd that was started with --confdir " + string(dir)
	if dir == confdir.Default {
		how = "systemctl stop ktsd"
	}
	return fault.New(fault.Conflict, "ktsd is running, and takes on a database only when it starts; nothing was changed").
		WithHint("stop it, then apply again: %s", how)
}

// makeTables makes the database that names is about, unless it is there, for the
// host that conf belongs to.
func makeTables(ctx context.Context, dir confdir.Dir, conf, names confdir.Conf) error {
	url, err := names.ReadDatabaseURL()
	if err != nil {
		return err
	}
	if url != "" {
		return fillPostgres(ctx, url)
	}
	if confdir.Exists(dir.Database()) {
		return nil
	}
	node, err := conf.Node()
	if err != nil {
		return err
	}
	return createSQLite(ctx, dir, node)
}

// fillPostgres makes the tables of a database that has none.
func fillPostgres(ctx context.Context, url string) error {
	if err := postgres.Create(ctx, url); err != nil {
		return fault.New(fault.Unavailable, "the database is not ready").Because(err).
			WithHint("see that PostgreSQL runs, has the database, and lets this user in; then run this again")
	}
	return nil
}

// createSQLite makes the database file of a node. It appears at once, whole. The log
// of another one that was there would be taken for its own.
func createSQLite(ctx context.Context, dir confdir.Dir, node string) error {
	log := dir.Database() + "-wal"
	if info, err := os.Stat(log); err == nil && info.Size() > 0 {
		return fault.New(fault.Conflict, "%s holds changes of a database that is gone", log).
			WithHint("bring that database back; or, where it is given up, move this file away, then run this again")
	}
	staging := dir.Database() + ".tmp"
	for _, rest := range []string{staging, staging + "-wal", staging + "-shm"} { // of an interrupted run
		if err := os.RemoveAll(rest); err != nil {
			return err
		}
	}
	if err := fillSQLite(ctx, dir, staging, node); err != nil {
		return err
	}
	if err := os.Rename(staging, dir.Database()); err != nil {
		return err
	}
	return safefile.SyncDir(filepath.Dir(dir.Database()))
}

// fillSQLite makes the database file at path, or takes up one that is there.
func fillSQLite(ctx context.Context, dir confdir.Dir, path, node string) error {
	store, err := sqlite.Create(ctx, path, node)
	if err != nil {
		return err
	}
	return errors.Join(store.Close(), dir.Adopt(path))
}

package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/postgres"
	"github.com/ktsd/ktsd/internal/sqlite"
)

// store is the database that this process works with until it ends: another one is
// taken on by a start only.
type store interface {
	escrow.Store
	io.Closer
}

// openStore opens the database that keytrustee.conf names. It makes none: one that
// is empty by mistake would deny every key.
func (k *ktsd) openStore(ctx context.Context, conf confdir.Conf, lock *os.File) (store, error) {
	url, err := databaseURL(k.dir.Conf(), conf)
	if err != nil {
		return nil, err
	}
	k.databaseURL = url
	if url == "" {
		k.database = "sqlite"
		return k.openSQLite(ctx)
	}
	k.database = "postgres " + postgres.Describe(url)
	return k.openPostgres(ctx, url, lock)
}

func (k *ktsd) openSQLite(ctx context.Context) (store, error) {
	s, err := sqlite.Open(ctx, k.dir.Database(), k.node)
	if errors.Is(err, sqlite.ErrNoDatabase) {
		missing := fault.New(fault.NotFound, "the database %s is missing", k.dir.Database())
		log := k.dir.Database() + "-wal"
		if info, err := os.Stat(log); err == nil && info.Size() > 0 {
			return nil, missing.WithHint("bring it back; before another one takes its place, such as a backup, move %s away, which holds changes of the one that is gone", log)
		}
		return nil, missing.WithHint("restore it from a backup; on a new node that is to begin empty: ktadmin init --empty-database --confdir %s", k.dir)
	} else if err != nil {
		return nil, err
	}
	return s, nil
}

func (k *ktsd) openPostgres(ctx context.Context, url string, lock *os.File) (store, error) {
	instance, err := confdir.Instance(lock)
	if err != nil {
		return nil, err
	}
	s, err := postgres.Open(ctx, url, postgres.Options{
		Node: k.node, Instance: instance, Log: k.log, Fatal: func(err error) { k.failed <- err },
	})
	if errors.Is(err, postgres.ErrNoSchema) {
		return nil, fault.New(fault.NotFound, "the database %s has no tables", k.database).
			WithHint("see that it is the right one; where it is new and to begin empty: ktadmin init --empty-database --confdir %s", k.dir)
	} else if err != nil {
		return nil, err
	}
	return s, nil
}

// databaseChanged tells whether keytrustee.conf names another database, or the same
// one by another URL, than this process has opened. One that cannot be read is no
// change: a start would refuse it.
func (k *ktsd) databaseChanged() bool {
	conf, err := k.dir.ReadConf()
	if err != nil {
		return false
	}
	url, err := conf.ReadDatabaseURL()
	return err == nil && url != k.databaseURL
}

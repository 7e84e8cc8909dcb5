package main

import (
	"context"
	"os"

	"github.com/ktsd/ktsd/bench/internal/floor"
	"github.com/ktsd/ktsd/bench/internal/rig"
)

// floorCommand is run by the other commands, in a process of its own.
type floorCommand struct {
	Listen      string `help:"Address to listen on." required:""`
	File        string `help:"SQLite file; without one, the PostgreSQL database that the environment names."`
	Certificate string `help:"Certificate, PEM." required:""`
	PrivateKey  string `help:"Its key, PEM." required:""`
}

// Run serves until ctx ends.
func (c *floorCommand) Run(ctx context.Context) error {
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	return floor.Serve(ctx, store, c.Listen, c.Certificate, c.PrivateKey)
}

func (c *floorCommand) open(ctx context.Context) (floor.Store, error) {
	if c.File != "" {
		return floor.OpenSQLite(c.File)
	}
	return floor.OpenPostgres(ctx, os.Getenv(rig.DatabaseVariable))
}

package floor

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type postgresStore struct {
	readers *pgxpool.Pool
	writer  *pgx.Conn
	ids     [][16]byte
	bodies  [][]byte
}

// OpenPostgres opens a store in a PostgreSQL database. Contents are kept out of
// the way of its compression, which could only lose with them.
func OpenPostgres(ctx context.Context, url string) (Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(max(4, 4*runtime.NumCPU()))
	readers, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	writer, err := pgx.Connect(ctx, url)
	if err != nil {
		readers.Close()
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	s := &postgresStore{readers: readers, writer: writer}
	_, err = writer.Exec(ctx, `CREATE TABLE IF NOT EXISTS deposits (uuid uuid NOT NULL PRIMARY KEY, contents bytea NOT NULL);
		ALTER TABLE deposits ALTER COLUMN contents SET STORAGE EXTERNAL`)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making the table: %w", err), s.Close())
	}
	return s, nil
}

func (s *postgresStore) Get(ctx context.Context, id uuid.UUID) (contents []byte, err error) {
	err = s.readers.QueryRow(ctx, `SELECT contents FROM deposits WHERE uuid = $1`, [16]byte(id)).Scan(&contents)
	return contents, err
}

func (s *postgresStore) put(group []job) error {
	if len(group) == 1 {
		_, err := s.writer.Exec(context.Background(), `INSERT INTO deposits (uuid, contents) VALUES ($1, $2)`, [16]byte(group[0].id), group[0].contents)
		return err
	}
	s.ids, s.bodies = s.ids[:0], s.bodies[:0]
	for _, j := range group {
		s.ids, s.bodies = append(s.ids, j.id), append(s.bodies, j.contents)
	}
	_, err := s.writer.Exec(context.Background(), `INSERT INTO deposits (uuid, contents) SELECT * FROM unnest($1::uuid[], $2::bytea[])`, s.ids, s.bodies)
	return err
}

func (s *postgresStore) Close() error {
	s.readers.Close()
	return s.writer.Close(context.Background())
}

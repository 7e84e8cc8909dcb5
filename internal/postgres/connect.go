package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sys/unix"
)

// connectTimeout is how long one host may take to let us in, unless the URL says
// otherwise.
const connectTimeout = 2 * time.Second

// configure sets what all our connections have in common.
func configure(cfg *pgxpool.Config) {
	c := cfg.ConnConfig
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
	dialer := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3},
		Control:         endsWithPeer,
	}
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if network == (nowhere{}).Network() {
			return nil, errors.New("a statement is never cancelled")
		}
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return uncancelled{conn}, nil
	}
	for name, value := range map[string]string{
		// All our queries are look-ups by key. A plan made while the tables were
		// empty would read them whole, and stay.
		"enable_seqscan": "off", "enable_bitmapscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "jit": "off",
		"plan_cache_mode": "force_generic_plan",
		// A time-out of the server's would end the wait for a standby.
		"statement_timeout": "0", "lock_timeout": "0",
		// The server is to notice when we are gone: a transaction left open holds
		// the lease's row.
		"idle_in_transaction_session_timeout": "10s",
		"tcp_keepalives_idle":                 "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3",
		"client_encoding": "UTF8",
	} {
		c.RuntimeParams[name] = value
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "ktsd"
	}
	c.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement

	cfg.MaxConnIdleTime, cfg.HealthCheckPeriod, cfg.MaxConnLifetime = 10*time.Minute, time.Minute, 24*time.Hour
	cfg.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false } // a read that meets a dead connection is repeated
}

// uncancelled is a connection whose statements cannot be cancelled. pgx sends a
// CancelRequest to the peer's address whenever it gives a connection up, and that
// would end a commit's wait for a standby, with success: so it learns no address.
type uncancelled struct{ net.Conn }

// RemoteAddr hides where the connection leads.
func (uncancelled) RemoteAddr() net.Addr { return nowhere{} }

type nowhere struct{}

func (nowhere) Network() string { return "nowhere" }
func (nowhere) String() string  { return "nowhere" }

// endsWithPeer has the kernel give a connection up whose peer has not confirmed
// for ten seconds what was sent. A peer that is only slow confirms.
func endsWithPeer(network, _ string, raw syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return nil
	}
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 10_000)
	})
	return errors.Join(err, failed)
}

// dial opens a connection outside the pool.
func dial(ctx context.Context, cfg *pgxpool.Config) (*pgx.Conn, error) {
	return pgx.ConnectConfig(ctx, cfg.ConnConfig.Copy())
}

// hangUp closes a connection, and waits for the server no longer than a moment.
func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn.Close(ctx)
}

// session is what a connection tells of the server behind it.
type session struct {
	version           int64
	encoding          string
	synchronousCommit string
	fsync             string
	standby           bool
}

// greet makes sure that a connection may be used to write.
func greet(ctx context.Context, conn *pgx.Conn) (session, error) {
	var s session
	err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::bigint, current_setting('server_encoding'),
		current_setting('synchronous_commit'), current_setting('fsync'), pg_is_in_recovery()`).
		Scan(&s.version, &s.encoding, &s.synchronousCommit, &s.fsync, &s.standby)
	if err != nil {
		return s, err
	}
	if s.version < 150000 {
		return s, fmt.Errorf("the server is PostgreSQL %d, and ktsd needs 15 or later", s.version/10000)
	}
	if s.encoding != "UTF8" {
		return s, fmt.Errorf("the database has the encoding %s, and ktsd needs UTF8: create it with ENCODING 'UTF8' TEMPLATE template0", s.encoding)
	}
	if s.synchronousCommit != "on" && s.synchronousCommit != "remote_apply" {
		_, err = conn.Exec(ctx, `SET synchronous_commit = on`) // an acknowledged change is on disk
	}
	return s, err
}

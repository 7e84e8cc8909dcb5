package postgres

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// keywords are what a URL may set: PostgreSQL's own
// (https://www.postgresql.org/docs/current/libpq-connect.html), and the pool's
// size. Anything else is a mistake, and may be a part of a password that was not
// quoted.
var keywords = []string{
	"host", "port", "dbname", "user", "password", "passfile", "service", "servicefile",
	"sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslsni", "sslnegotiation", "sslcertmode",
	"channel_binding", "require_auth", "min_protocol_version", "max_protocol_version",
	"target_session_attrs", "connect_timeout", "application_name", "options", "search_path", "pool_max_conns",
}

// errForm is told of a URL in which nobody can say which part is the password, so
// none of it is shown.
var errForm = errors.New("the database's URL cannot be read: write postgres://USER@HOST:5432/DATABASE?sslmode=verify-full, " +
	"or host=HOST dbname=DATABASE user=USER sslmode=verify-full; in a URL, write each @ : / ? # % of a password as %40 %3A %2F %3F %23 %25")

// CheckURL returns an error unless Open can make something of url: a URL or
// keywords and values as PostgreSQL's own programs take them. It asks no server,
// but reads the files that url names. The error never shows the password.
func CheckURL(url string) error {
	_, err := parse(url)
	return err
}

// Describe returns where url leads and as whom: "host:port/database as user". It
// never shows the password.
func Describe(url string) string {
	cfg, err := parse(url)
	if err != nil {
		return "a database whose URL cannot be read"
	}
	return describe(&cfg.ConnConfig.Config)
}

func describe(cfg *pgconn.Config) string {
	hosts := []string{address(cfg.Host, cfg.Port)}
	for _, f := range cfg.Fallbacks {
		if a := address(f.Host, f.Port); a != hosts[len(hosts)-1] { // sslmode=prefer names a host twice
			hosts = append(hosts, a)
		}
	}
	database := cfg.Database
	if database == "" {
		database = cfg.User // as the server takes it
	}
	return fmt.Sprintf("%s/%s as %s", strings.Join(hosts, ","), database, cfg.User)
}

func address(host string, port uint16) string {
	if strings.HasPrefix(host, "/") { // the directory of a Unix socket
		return host + ":" + strconv.Itoa(int(port))
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// parse reads a URL. Its parts are only named in an error once it is certain
// which of them is the password.
func parse(url string) (*pgxpool.Config, error) {
	if !wellFormed(url) {
		return nil, errForm
	}
	plain, err := pgconn.ParseConfigWithOptions(url, pgconn.ParseConfigOptions{ConnStringAllowedKeys: keywords})
	if err != nil {
		if why := errors.Unwrap(err); why != nil {
			return nil, fmt.Errorf("the database's URL cannot be used: %w", why)
		}
		return nil, errors.New("the database's URL has a port, a keyword or a keyword's value that PostgreSQL's programs do not know: " +
			"see https://www.postgresql.org/docs/current/libpq-connect.html")
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the database's URL has a pool_max_conns that is no number above 0")
	}
	if strings.ContainsAny(describe(plain), "=\t\n") { // as in host=HOSTpassword=…
		return nil, errForm
	}
	if plain.RuntimeParams["pool_max_conns"] == "" {
		cfg.MaxConns = int32(max(4, 4*runtime.NumCPU()))
	}
	configure(cfg)
	return cfg, nil
}

// wellFormed says whether it is certain which part of url is what.
func wellFormed(url string) bool {
	if strings.TrimSpace(url) == "" {
		return false // else the environment alone would say where to go
	}
	rest, isURL := strings.CutPrefix(url, "postgres://")
	if !isURL {
		rest, isURL = strings.CutPrefix(url, "postgresql://")
	}
	if isURL {
		at := strings.LastIndexByte(rest, '@')
		if strings.IndexByte(rest, '@') != at || strings.ContainsAny(rest[:max(at, 0)], "/?#") {
			return false // a password with @, /, ? or # in it
		}
		if at >= 0 && strings.Count(rest[:at], ":") > 1 {
			return false
		}
	}
	// With no keyword allowed, an error without a cause is about the first keyword:
	// the form is as it must be.
	_, err := pgconn.ParseConfigWithOptions(url, pgconn.ParseConfigOptions{ConnStringAllowedKeys: []string{}})
	return err != nil && errors.Unwrap(err) == nil
}

package load

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"
)

// Handshakes makes n connections one after another, asks each for path once, and
// returns how many handshakes were resumed. With resume each connection offers the
// session of the one before.
func Handshakes(ctx context.Context, t *Target, path string, n int, resume bool) (resumed int, err error) {
	config := t.TLS[0].Clone()
	if resume {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	}
	for range n {
		if ctx.Err() != nil {
			return resumed, ctx.Err()
		}
		conn, err := dialHTTP1(t.Addr, t.Host, config, []string{"Connection: close"}, time.Now().Add(grace))
		if err != nil {
			return resumed, fmt.Errorf("connecting to %s: %w", t.Addr, err)
		}
		status, _, err := conn.exchange(&request{method: "GET", path: []byte(path)})
		if conn.conn.ConnectionState().DidResume {
			resumed++
		}
		conn.close()
		if err == nil && status != 200 {
			err = fmt.Errorf("%s: status %d", path, status)
		}
		if err != nil {
			return resumed, err
		}
	}
	return resumed, nil
}

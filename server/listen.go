package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/ktsd/ktsd/internal/web"
)

// listen opens both listeners.
func (k *ktsd) listen(public, admin http.Handler) error {
	s := k.settings.Load()
	k.public, k.admin = k.newServer(public), k.newServer(admin)
	k.public.TLSConfig = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return k.settings.Load().tls, nil
	}}
	k.admin.ConnContext = web.PeerContext
	l, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	socket, err := k.dir.ListenSocket()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	k.servePublic(l)
	go k.serveOn("admin", func() error { return k.admin.Serve(socket) })
	return nil
}

// newServer returns a server whose clients can be as slow as its times allow.
func (k *ktsd) newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ErrorLog: log.New(httpLog{k.log}, "", 0), MaxHeaderBytes: 16 << 10,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 3 * time.Minute,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 64, WriteByteTimeout: 30 * time.Second,
			SendPingTimeout: time.Minute, PingTimeout: 15 * time.Second,
		},
	}
}

// servePublic serves what arrives at l.
func (k *ktsd) servePublic(l net.Listener) {
	l = k.clients.bound(l)
	k.listener = l
	go k.serveOn("public", func() error { return k.public.ServeTLS(l, "", "") })
}

// serveOn runs a listener's loop. That the listener was closed, by a stop or by a
// reload, is no failure.
func (k *ktsd) serveOn(name string, loop func() error) {
	if err := loop(); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		k.failed <- fmt.Errorf("serving on the %s listener: %w", name, err)
	}
}

// reload takes up keytrustee.conf and the certificate as they are now, or says
// why it goes on as before. Open connections are not disturbed.
func (k *ktsd) reload() error {
	k.reloading.Lock()
	defer k.reloading.Unlock()
	next, err := loadSettings(k.dir)
	if err != nil {
		return err
	}
	if before := k.settings.Load(); next.listen != before.listen {
		if err := k.move(before.listen, next.listen); err != nil {
			return fmt.Errorf("listening: %w", err)
		}
	}
	k.takeOn(next)
	if k.databaseChanged() {
		k.log.Warn("keytrustee.conf names another database, or another URL of it, which a start takes on and a reload does not", "database", k.database)
	}
	k.log.Info("reloaded", "listen", next.listen, "tls_min_version", next.minVersion, "certificate", next.certFile)
	k.notify("STATUS=serving on " + next.listen)
	return nil
}

// move opens the new address before it closes the old one; what was accepted there
// goes on. Where the old one is in the way of the new, such as localhost:11371 of
// :11371, it is closed first, and opened again if that does not help.
func (k *ktsd) move(from, to string) error {
	old := k.listener
	l, err := net.Listen("tcp", to)
	if errors.Is(err, syscall.EADDRINUSE) && samePort(from, to) {
		old.Close()
		if l, err = net.Listen("tcp", to); err != nil {
			again, failed := net.Listen("tcp", from)
			if failed != nil {
				k.failed <- fmt.Errorf("listening again on %s: %w", from, failed)
				return errors.Join(err, failed)
			}
			k.servePublic(again)
		}
	}
	if err != nil {
		return err
	}
	k.servePublic(l)
	if err := old.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		k.log.Warn("closing the old listener", "error", err)
	}
	return nil
}

func samePort(a, b string) bool {
	_, portA, errA := net.SplitHostPort(a)
	_, portB, errB := net.SplitHostPort(b)
	return errA == nil && errB == nil && portA == portB
}

// httpLog takes what net/http has to say: failed handshakes, which any port
// scanner makes, are worth little, and the rest is worth a look.
type httpLog struct{ log *slog.Logger }

func (l httpLog) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if bytes.HasPrefix(line, []byte("http: TLS handshake error")) {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, "net/http", "message", string(bytes.TrimSpace(line)))
	return len(line), nil
}

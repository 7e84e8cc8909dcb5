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
	"time"

	"github.com/ktsd/ktsd/internal/web"
)

// listen opens the listeners: those of clients, and the admin socket.
func (k *ktsd) listen(public, admin http.Handler) error {
	s := k.settings.Load()
	k.public, k.admin = k.newServer(public), k.newServer(admin)
	k.public.TLSConfig = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		return k.settings.Load().forClient(hello)
	}}
	k.admin.ConnContext = web.PeerContext
	if err := k.move(s.addresses); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	socket, err := k.dir.ListenSocket()
	if err != nil {
		return errors.Join(err, k.public.Close())
	}
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

// servePublic serves what arrives at l, which listens on address.
func (k *ktsd) servePublic(address string, l net.Listener) {
	l = k.clients.bound(l)
	k.listeners[address] = l
	go k.serveOn("public", func() error { return k.public.ServeTLS(l, "", "") })
}

// serveOn runs a listener's loop. That the listener was closed, by a stop or by a
// reload, is no failure.
func (k *ktsd) serveOn(name string, loop func() error) {
	if err := loop(); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		k.failed <- fmt.Errorf("serving on the %s listener: %w", name, err)
	}
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

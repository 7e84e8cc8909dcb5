package web

import (
	"context"
	"net"
	"net/http"
	"os"

	"golang.org/x/sys/unix"

	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// callerOf tells who makes a request, from its connection alone.
type callerOf func(*http.Request) escrow.Caller

// publicCaller is whoever holds the private key of the client certificate: TLS
// proved that much, and what it is worth the domain knows.
func publicCaller(r *http.Request) escrow.Caller {
	c := escrow.Caller{Source: r.RemoteAddr}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		c.Source = host
	}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		c.Certificate = tlsconf.KeyHash(r.TLS.PeerCertificates[0])
	}
	return c
}

type peerKey struct{}

// PeerContext notes the uid of the process at the other end of a Unix socket
// (SO_PEERCRED, unix(7)); it is for http.Server.ConnContext.
func PeerContext(ctx context.Context, conn net.Conn) context.Context {
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return ctx
	}
	raw, err := unixConn.SyscallConn()
	if err != nil {
		return ctx
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err != nil || credErr != nil {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, int(cred.Uid))
}

// adminCaller is the operator if the peer is root or the account that ktsd runs
// under, and nobody otherwise.
func adminCaller(r *http.Request) escrow.Caller {
	c := escrow.Caller{Source: "socket"}
	if uid, ok := r.Context().Value(peerKey{}).(int); ok {
		c.UID, c.Operator = uid, uid == 0 || uid == os.Geteuid()
	}
	return c
}

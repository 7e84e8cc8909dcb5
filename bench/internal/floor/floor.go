// Package floor is the least that a server of deposits has to do: HTTP over mutual
// TLS with ktsd's settings, ktsd's answers to the byte, and one point read or one
// durable write of the contents in the same kind of store. It knows no policy, no
// sealing and no audit, and whoever has a certificate gets everything. What ktsd
// costs beyond it is what ktsd is for.
package floor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// Store keeps contents under UUIDs.
type Store interface {
	Get(ctx context.Context, id uuid.UUID) ([]byte, error)
	put(group []job) error // durable, all or none
	Close() error
}

// Serve serves the store on address until ctx ends.
func Serve(ctx context.Context, store Store, address, certFile, keyFile string) error {
	pair, err := tlsconf.LoadPair(certFile, keyFile)
	if err != nil {
		return err
	}
	config := tlsconf.Server(tls.VersionTLS12, nil, func() *tls.Certificate { return pair })
	w := newWriter(store)
	server := &http.Server{
		Handler: handler(store, w), ErrorLog: log.New(io.Discard, "", 0), TLSConfig: config,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 3 * time.Minute,
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(l, "", "") }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = server.Close()
	}
	w.close()
	return errors.Join(err, store.Close())
}

// A deposit's description, as long as ktsd's.
const description = `{"uuid":"%s","handle":"bench/%s","version":1,"size":%d,"created":"2027-01-31T12:00:00.123456Z"}` + "\n"

func handler(store Store, w *writer) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		text, ok := strings.CutPrefix(r.URL.Path, "/v1/deposits/")
		id, err := uuid.Parse(text)
		if !ok || err != nil || len(r.TLS.PeerCertificates) == 0 {
			http.Error(rw, "no such resource", http.StatusNotFound)
			return
		}
		switch r.Method {
		case http.MethodGet:
			contents, err := store.Get(r.Context(), id)
			if err != nil {
				http.Error(rw, err.Error(), http.StatusNotFound)
				return
			}
			h := rw.Header()
			h.Set(api.HeaderUUID, text)
			h.Set(api.HeaderHandle, "bench%2F"+text)
			h.Set(api.HeaderVersion, "1")
			h.Set(api.HeaderCreated, "2027-01-31T12:00:00.123456Z")
			send(rw, "application/octet-stream", contents)
		case http.MethodPut:
			contents := make([]byte, max(r.ContentLength, 0))
			_, err := io.ReadFull(r.Body, contents)
			if err == nil {
				err = w.put(id, contents)
			}
			if err != nil {
				http.Error(rw, err.Error(), http.StatusInternalServerError)
				return
			}
			send(rw, "application/json", fmt.Appendf(nil, description, text, text, len(contents)))
		default:
			http.Error(rw, "no such method", http.StatusMethodNotAllowed)
		}
	})
}

func send(w http.ResponseWriter, contentType string, body []byte) {
	h := w.Header()
	h.Set(api.HeaderRequestID, "0123456789abcdef")
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(body)
}

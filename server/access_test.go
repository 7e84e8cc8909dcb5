package main_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
)

// TestOthersDepositsAreAbsent: by uuid and handle, to read and to change.
func TestOthersDepositsAreAbsent(t *testing.T) {
	t.Parallel()
	s, owner, _ := service(t)
	s.Organization(t, "umbrella")
	kept := owner.keep(t, "the-handle", []byte("contents"))
	for _, org := range []string{"acme", "umbrella"} {
		other, _ := newBox(t, s, org)
		absent := uuid.NewString()
		for what, pair := range map[string][2]reply{
			"get":           {other.get(t, kept.UUID), other.get(t, absent)},
			"get by handle": {other.getHandle(t, "the-handle"), other.getHandle(t, "no-handle")},
			"get version":   {other.getHandle(t, "the-handle", "version", "1"), other.getHandle(t, "no-handle", "version", "1")},
			"delete":        {other.delete(t, kept.UUID), other.delete(t, absent)},
			"undelete":      {other.undelete(t, kept.UUID), other.undelete(t, absent)},
		} {
			wantKind(t, what+" of another's from "+org, pair[0], fault.NotFound)
			if got, want := anonymous(pair[0]), anonymous(pair[1]); got != want {
				t.Errorf("%s of another's from %s: got\n%s\nwant what an absent one gets:\n%s", what, org, got, want)
			}
		}
		if all, _ := other.list(t, "prefix", "", "show", "all"); len(all) != 0 {
			t.Errorf("list from %s: got %v, want none", org, all)
		}
		// Handles and uuids are each client's own.
		wantOK(t, "the same uuid and handle", other.put(t, kept.UUID, "the-handle", []byte("my own")), nil)
		wantContents(t, "my own", other.get(t, kept.UUID), []byte("my own"))
	}
	wantContents(t, "the owner's after it", owner.getHandle(t, "the-handle"), []byte("contents"))
}

// TestDisabledClientIsOut: on its next request, on a connection that is open.
func TestDisabledClientIsOut(t *testing.T) {
	t.Parallel()
	s, _, id := service(t)
	b := box{s.HTTP(t, id.pair), s.URL}
	d := b.keep(t, "h", []byte("x"))
	conn := dial(t, s, id.pair)
	ask := func() reply {
		t.Helper()
		if _, err := fmt.Fprintf(conn, "GET /v1/deposits/%s HTTP/1.1\r\nHost: localhost\r\n\r\n", d.UUID); err != nil {
			t.Fatalf("the connection does not stay open: %v", err)
		}
		return readFrom(t, conn)
	}
	wantContents(t, "before", ask(), []byte("x"))
	if _, err := s.Admin().DisableClient(t.Context(), id.key.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "a get on the open connection", ask(), fault.Disabled)
	wantKind(t, "a put over HTTP/2", b.put(t, uuid.NewString(), "h", []byte("y")), fault.Disabled)
	wantKind(t, "a put sent again", b.put(t, d.UUID, "h", []byte("x")), fault.Disabled)
	wantKind(t, "a list", request(t, b.http, http.MethodGet, b.find("prefix", ""), nil), fault.Disabled)
	wantKind(t, "a delete", b.delete(t, d.UUID), fault.Disabled)
	wantKind(t, "an undelete", b.undelete(t, d.UUID), fault.Disabled)
	var c api.Client
	wantOK(t, "who am I", request(t, b.http, http.MethodGet, s.URL+"/v1/self", nil), &c)
	if c.State != "disabled" {
		t.Errorf("state: got %s, want disabled", c.State)
	}
	if _, err := s.Admin().EnableClient(t.Context(), id.key.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	wantContents(t, "enabled again", ask(), []byte("x"))
}

// TestRevokedCertificateIsOut: on its next request, on a connection that is open,
// over HTTP/2 and over a session that is resumed, whether the operator revoked it or
// its client retired it over another. The client's other certificate goes on.
func TestRevokedCertificateIsOut(t *testing.T) {
	t.Parallel()
	s, _, _ := service(t)
	for how, end := range map[string]func(first, second *identity){
		"revoked": func(first, _ *identity) {
			if c, err := s.Admin().RevokeCertificate(t.Context(), first.keyHash()); err != nil || c.InForce == nil || !c.InForce.Everywhere {
				t.Fatalf("revoking: got %+v (%v), want it in force everywhere", c, err)
			}
		},
		"retired": func(first, second *identity) {
			wantOK(t, "retiring", request(t, s.HTTP(t, second.pair), http.MethodDelete, s.URL+"/v1/certificates/"+first.keyHash(), nil), nil)
		},
	} {
		b, first := newBox(t, s, "acme")
		second := first.withCertificate(t)
		wantOK(t, "registering the second", second.register(t, s, second.registration(t, s, "acme")), nil)
		d := b.keep(t, "h", []byte("x"))
		conn := dial(t, s, first.pair)
		ask := func() reply {
			t.Helper()
			if _, err := fmt.Fprintf(conn, "GET /v1/deposits/%s HTTP/1.1\r\nHost: localhost\r\n\r\n", d.UUID); err != nil {
				t.Fatalf("the connection does not stay open: %v", err)
			}
			return readFrom(t, conn)
		}
		wantContents(t, "before", ask(), []byte("x"))
		sessions := map[string]*resumer{}
		for name, version := range tlsVersions {
			sessions[name] = newResumer(t, s, first, version)
			sessions[name].want(t, "the first connection", false, first)
		}
		end(first, second)
		wantKind(t, how+": a get on the open connection", ask(), fault.Unauthenticated)
		wantKind(t, how+": a put over HTTP/2", b.put(t, uuid.NewString(), "h", []byte("y")), fault.Unauthenticated)
		wantKind(t, how+": a delete", b.delete(t, d.UUID), fault.Unauthenticated)
		for name, session := range sessions {
			r, resumed := session.self(t)
			wantKind(t, how+": over a session of "+name, r, fault.Unauthenticated)
			if !resumed {
				t.Errorf("%s: the session of %s was not resumed", how, name)
			}
		}
		wantContents(t, how+": the other certificate", box{s.HTTP(t, second.pair), s.URL}.get(t, d.UUID), []byte("x"))
	}
}

package main_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/ktest"
)

// TestQuotas: one client that is full, and one that asks too often, are told which
// limit it is and when to try again, while another works.
func TestQuotas(t *testing.T) {
	t.Parallel()
	dir := ktest.Dir(t)
	setLimits(t, dir, func(l *bounds.Limits) { l.ClientDeposits, l.ClientRate = 20, 50 })
	s, full, _ := serviceOn(t, dir)
	other, _ := newBox(t, s, "acme")
	for i := range 20 {
		full.keep(t, fmt.Sprintf("h%d", i), []byte("x"))
	}
	r := full.put(t, uuid.NewString(), "one-more", []byte("x"))
	if body := string(r.body); r.status != http.StatusForbidden || r.header.Get("Retry-After") != "" || r.detail().Kind != fault.Quota || !strings.Contains(body, "20 deposits") || !strings.Contains(body, "limits") {
		t.Errorf("one more: got %v, want a refusal that names the limit", r)
	}
	other.keep(t, "h", []byte("x"))

	deadline := time.Now().Add(30 * time.Second)
	for r = full.getHandle(t, "h0"); r.status == http.StatusOK; r = full.getHandle(t, "h0") {
		if time.Now().After(deadline) {
			t.Fatal("a client asks as often as it likes")
		}
	}
	if r.status != http.StatusTooManyRequests || r.detail().Kind != fault.Limited {
		t.Errorf("too often: got %v", r)
	}
	if n, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || n < 1 || !strings.Contains(string(r.body), "50 requests a second") {
		t.Errorf("too often: got Retry-After %q and %s", r.header.Get("Retry-After"), r.body)
	}
	wantContents(t, "another client meanwhile", other.getHandle(t, "h"), []byte("x"))
	for full.getHandle(t, "h0").status != http.StatusOK {
		if time.Now().After(deadline) {
			t.Fatal("a client that rested is still refused")
		}
		time.Sleep(100 * time.Millisecond)
	}
}

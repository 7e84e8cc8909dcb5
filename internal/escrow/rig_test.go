package escrow_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ktsd/ktsd/internal/audit"
	"github.com/ktsd/ktsd/internal/deny"
	"github.com/ktsd/ktsd/internal/escrow"
	"github.com/ktsd/ktsd/internal/seal"
	"github.com/ktsd/ktsd/internal/sqlite"
)

const node = "kts01.example.com"

// server is the fingerprint of the server's OpenPGP key.
const server = escrow.Fingerprint("4EDC46882386C827E20DEEA2D850ACA33BEDB0D1")

// rig is a Service over the real store, sealer and chain in a directory of its
// own, each behind a tap through which a test makes it fail.
type rig struct {
	testing.TB
	*escrow.Service
	dir     string
	clock   *clock
	store   *tapStore
	auditor *tapAuditor
	sealer  *tapSealer
	ring    *seal.Ring
	log     *logBuffer
	fatal   atomic.Int64 // calls of Config.Fatal
	keys    int          // TLS keys made
	seen    observed

	auditFailsAtStart bool
	deny              *tapDenyList
	limits            escrow.Limits
	patience          escrow.Patience
}

// newRig makes an empty directory and starts a Service on it.
func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{TB: t, dir: t.TempDir(), clock: &clock{now: time.Now()}, ring: seal.NewRing(time.Now()), log: &logBuffer{},
		patience: escrow.Patience{Turn: time.Minute, End: time.Minute}} // on a busy machine nothing is withdrawn
	db, err := sqlite.Create(context.Background(), r.database(), node)
	if err != nil {
		t.Fatalf("creating the database: %v", err)
	}
	db.Close()
	r.start()
	return r
}

func (r *rig) database() string { return filepath.Join(r.dir, "keytrustee.db") }
func (r *rig) auditDir() string { return filepath.Join(r.dir, "audit") }

// start starts a Service on the directory, which must succeed.
func (r *rig) start() {
	r.Helper()
	if err := r.tryStart(); err != nil {
		r.Fatalf("starting the service: %v", err)
	}
}

// tryStart opens everything as ktsd does. What is open when the test ends is
// closed.
func (r *rig) tryStart() error {
	r.Helper()
	db, err := sqlite.Open(context.Background(), r.database(), node)
	if err != nil {
		r.Fatalf("opening the database: %v", err)
	}
	chain, err := audit.Open(r.auditDir(), node, audit.Options{})
	if err != nil {
		r.Fatalf("opening the audit log: %v", err)
	}
	sealer, err := seal.New(r.ring)
	if err != nil {
		r.Fatalf("making the sealer: %v", err)
	}
	list, err := deny.Open(filepath.Join(r.dir, "denied"), node)
	if err != nil {
		r.Fatalf("opening the deny list: %v", err)
	}
	r.deny = &tapDenyList{List: list}
	r.store, r.auditor, r.sealer = &tapStore{Store: db}, &tapAuditor{Log: chain}, &tapSealer{Sealer: sealer}
	r.auditor.failing.Store(r.auditFailsAtStart)
	service, err := escrow.Start(context.Background(), escrow.Config{
		Store: r.store, Auditor: r.auditor, Sealer: r.sealer, OpenPGP: openPGP{}, Server: server, Now: r.clock.Now,
		Log: slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Fatal: func(error) { r.fatal.Add(1) },
		DenyList: r.deny, Node: node, Limits: r.limits,
		Patience: r.patience,
		Observer: &r.seen,
	})
	r.Cleanup(func() {
		r.store.open()
		if service != nil {
			escrow.Abandon(service)
		}
		chain.Close()
		list.Close()
		db.Close()
	})
	r.Service = service
	return err
}

// stop stops the service as ktsd does, so that it can be started again.
func (r *rig) stop() {
	r.Service.Close()
	r.auditor.Log.Close()
	r.deny.Close()
	r.store.Store.(*sqlite.Store).Close()
}

// crash ends the service without any flush, so that it can be started again.
func (r *rig) crash() {
	escrow.Abandon(r.Service)
	r.auditor.Log.Close()
	r.deny.Close()
	r.store.Store.(*sqlite.Store).Close()
}

// edit changes the database behind the service's back.
func (r *rig) edit(statement string, args ...any) {
	r.Helper()
	db, err := sql.Open("sqlite", r.database())
	if err != nil {
		r.Fatal(err)
	}
	defer db.Close()
	result, err := db.Exec(statement, args...)
	if err != nil {
		r.Fatalf("%s: %v", statement, err)
	}
	if n, _ := result.RowsAffected(); n == 0 {
		r.Fatalf("%s: changed nothing", statement)
	}
}

// count returns the number that a query gives.
func (r *rig) count(query string, args ...any) (n int) {
	r.Helper()
	db, err := sql.Open("sqlite", r.database())
	if err != nil {
		r.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query, args...).Scan(&n); err != nil {
		r.Fatalf("%s: %v", query, err)
	}
	return n
}

// resign makes what edit wrote authentic, as if the service had written it.
func (r *rig) resign() {
	r.Helper()
	ctx := context.Background()
	var all []escrow.Mutation
	orgs, err := r.store.Organizations(ctx)
	if err != nil {
		r.Fatal(err)
	}
	for _, o := range orgs {
		all = append(all, escrow.Authenticate{Organization: o.Name, MAC: r.sealer.Authenticate(escrow.RowOf(o, ""))})
		for _, c := range o.Contacts {
			all = append(all, escrow.Authenticate{Organization: o.Name, Contact: c.Address, MAC: r.sealer.Authenticate(escrow.RowOf(c, o.Name))})
		}
	}
	clients, err := r.store.Clients(ctx, "")
	if err != nil {
		r.Fatal(err)
	}
	for _, k := range clients {
		all = append(all, escrow.Authenticate{Client: k.Fingerprint, MAC: r.sealer.Authenticate(escrow.RowOf(k, ""))})
		certs, err := r.store.Certificates(ctx, k.Fingerprint)
		if err != nil {
			r.Fatal(err)
		}
		for _, c := range certs {
			all = append(all, escrow.Authenticate{Certificate: &c.Key, MAC: r.sealer.Authenticate(escrow.RowOf(c, ""))})
		}
	}
	if err := r.store.Change(escrow.Keys{}, func(*escrow.Facts) ([]escrow.Mutation, error) { return all, nil }); err != nil {
		r.Fatal(err)
	}
}

// chain returns the events in the chain, after checking it.
func (r *rig) chain() (events []escrow.Record) {
	r.Helper()
	if _, err := audit.Verify(r.auditDir()); err != nil {
		r.Fatalf("verifying the chain: %v", err)
	}
	for line := range bytes.Lines(r.chainBytes()) {
		var event struct {
			Kind string `json:"kind"`
			escrow.Record
		}
		if err := json.Unmarshal(line, &event); err != nil {
			r.Fatal(err)
		}
		if event.Kind == "event" {
			events = append(events, event.Record)
		}
	}
	return events
}

func (r *rig) chainBytes() []byte {
	r.Helper()
	data, err := os.ReadFile(filepath.Join(r.auditDir(), "audit-00000001.jsonl"))
	if err != nil {
		r.Fatal(err)
	}
	return data
}

// pending returns the records whose rows are still in the store.
func (r *rig) pending() []escrow.Record {
	r.Helper()
	records, err := r.store.PendingAudit(context.Background())
	if err != nil {
		r.Fatal(err)
	}
	return records
}

// until waits for something that happens in the background.
func (r *rig) until(what string, done func() bool) {
	r.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.Fatalf("it takes too long until %s", what)
		}
	}
}

// newKey returns a TLS key that nobody had before.
func (r *rig) newKey() (k escrow.KeyHash) {
	r.keys++
	binary.BigEndian.PutUint64(k[:], uint64(r.keys))
	return k
}

func operator() escrow.Caller {
	return escrow.Caller{Operator: true, UID: 0, Source: "socket", RequestID: "0001"}
}

// id returns a UUID, different for each n.
func id(n int) escrow.UUID { return escrow.UUID(fmt.Sprintf("00000000-0000-4000-8000-%012x", n)) }

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func (c *clock) add(d time.Duration) { c.set(c.Now().Add(d)) }

// micro is t as everything that is kept has it.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// logBuffer is what the service logged.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

package plan_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ktsd/ktsd/internal/bounds"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/plan"
	"github.com/ktsd/ktsd/internal/site"
)

// pairs is how many random pairs of a desired and a live site each property is
// tried on.
const pairs = 500

// TestSecondPlanIsEmpty applies random files to random hosts.
func TestSecondPlanIsEmpty(t *testing.T) {
	for seed := range int64(pairs) {
		r := rand.New(rand.NewSource(seed))
		desired, w := randomDesired(r), randomWorld(r)
		unmanaged := unmanagedOf(desired, w)
		apply(t, seed, desired, w)
		p := wantInSync(t, seed, desired, w)
		for _, gone := range desired.Removed {
			if _, exists := w.organizations[gone.Organization]; exists {
				t.Errorf("seed %d: organization %q is there, want it removed", seed, gone.Organization)
			}
		}
		if len(p.Unmanaged) != len(unmanaged) {
			t.Errorf("seed %d: got %d unmanaged organizations, want %d", seed, len(p.Unmanaged), len(unmanaged))
		}
		for name, before := range unmanaged {
			if after := w.organizations[name]; after.ManagedBy == site.ManagedByFile || !slices.Equal(after.Contacts, before.Contacts) || after.Approval != before.Approval || after.AuthCode != before.AuthCode {
				t.Errorf("seed %d: got unmanaged organization %q changed from %+v to %+v", seed, name, before, after)
			}
		}
	}
}

// TestStoppedAnywhereConverges lets each call fail once, before or after its
// work is done, and applies again.
func TestStoppedAnywhereConverges(t *testing.T) {
	for seed := range int64(pairs / 5) {
		r := rand.New(rand.NewSource(seed))
		desired, start := randomDesired(r), randomWorld(r)
		stopFor(desired, start)
		steps := len(plan.Diff(desired, start.live()).Changes)
		for failAt := 1; failAt <= steps; failAt++ {
			for _, worked := range []bool{false, true} {
				w := start.clone()
				w.failAt, w.failing = failAt, worked
				err := plan.Execute(context.Background(), plan.Diff(desired, w.live()), w, func(string) {})
				if !errors.Is(err, errBroken) {
					t.Fatalf("seed %d: got error %v at call %d, want %v", seed, err, failAt, errBroken)
				}
				apply(t, seed, desired, w)
				wantInSync(t, seed, desired, w)
			}
		}
	}
}

// TestDriftIsShown makes one change behind the tool's back at a time. The plan
// has that change and no other.
func TestDriftIsShown(t *testing.T) {
	shown := 0
	for seed := range int64(pairs) {
		r := rand.New(rand.NewSource(seed))
		desired, w := randomDesired(r), randomWorld(r)
		apply(t, seed, desired, w)
		before := plan.Diff(desired, w.live())
		what := drift(r, desired, w)
		if what == "" {
			continue
		}
		shown++
		p := plan.Diff(desired, w.live())
		if strings.HasPrefix(what, "a tenant ") {
			if !p.InSync() || cmp.Equal(p.Tenants, before.Tenants) {
				t.Errorf("seed %d: %s: want it shown and left alone, got:\n%s", seed, what, textOf(t, p))
			}
			continue
		}
		steps := len(p.Changes)
		if p.Stop != "" && steps == 0 {
			steps = 1 // to start it again
		}
		if steps != 1 || p.InSync() {
			t.Errorf("seed %d: %s: got %d changes, want 1:\n%s", seed, what, steps, textOf(t, p))
		}
		apply(t, seed, desired, w)
		wantInSync(t, seed, desired, w)
	}
	if shown < pairs*9/10 {
		t.Errorf("got %d of %d hosts with something to change, want nearly all", shown, pairs)
	}
}

// apply applies as people do who read what the plan says: ktsd is stopped where
// that is asked for, and started at the end.
func apply(t *testing.T, seed int64, desired plan.Desired, w *world) {
	t.Helper()
	execute := func() {
		t.Helper()
		if err := plan.Execute(context.Background(), plan.Diff(desired, w.live()), w, func(string) {}); err != nil {
			t.Fatalf("seed %d: applying: %v", seed, err)
		}
	}
	stopFor(desired, w)
	execute()
	if w.stopped {
		w.start()
		execute()
	}
}

// stopFor stops ktsd if that is asked for.
func stopFor(desired plan.Desired, w *world) {
	if plan.Diff(desired, w.live()).Stop != "" {
		w.stopped = true
	}
}

func wantInSync(t *testing.T, seed int64, desired plan.Desired, w *world) plan.Plan {
	t.Helper()
	p := plan.Diff(desired, w.live())
	if !p.InSync() {
		t.Fatalf("seed %d: the second plan is not empty:\n%s", seed, textOf(t, p))
	}
	return p
}

func textOf(t *testing.T, p plan.Plan) string {
	t.Helper()
	var b bytes.Buffer
	if err := plan.Render(&b, p, plan.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func unmanagedOf(desired plan.Desired, w *world) map[string]plan.LiveOrganization {
	rest := maps.Clone(w.organizations)
	for _, org := range desired.Organizations {
		delete(rest, org.Name)
	}
	for _, gone := range desired.Removed {
		delete(rest, gone.Organization)
	}
	return rest
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.Intn(len(from))] }

func randomServer(r *rand.Rand) site.Server {
	return site.Server{
		Name: "kts01", Listen: pick(r, "", ":11371", ":11372", "localhost:11371", ":1, :2", ":2,:1"),
		Hostname: pick(r, "", "kts01", "kts.example.com"),
		TLS: site.TLS{
			MinVersion:     pick(r, "", "tlsv1.2", "tlsv1.3"),
			Ciphers:        pick(r, "", "HIGH", "ECDHE+AESGCM:!aNULL"),
			Certificate:    pick(r, "", "/a.pem", "/b.pem"),
			PrivateKey:     pick(r, "", "/a.key", "/b.key"),
			CAChain:        pick(r, "", "/ca.pem"),
			PasswordScript: pick(r, "", "/bin/pw", "/bin/echo -n one", "/bin/echo -n two"),
		},
	}
}

func randomDatabase(r *rand.Rand) site.Database {
	return pick(r, site.Database{}, site.Database{Engine: "sqlite"},
		site.Database{Engine: "postgres", URL: "a?sslmode=require"}, site.Database{Engine: "postgres", URL: "a"},
		site.Database{Engine: "postgres", URLFile: "/url-a"}, site.Database{Engine: "postgres", URLFile: "/url-b"})
}

func randomLimits(r *rand.Rand) bounds.Limits {
	l := bounds.DefaultLimits()
	randomSettings(r, l.Settings())
	return l
}

func randomAudit(r *rand.Rand) bounds.Audit {
	a := bounds.DefaultAudit()
	randomSettings(r, a.Settings())
	return a
}

// randomSettings leaves some as they are.
func randomSettings(r *rand.Rand, settings []bounds.Setting) {
	for _, s := range settings {
		_ = s.Set(pick(r, s.Value(), s.Value(), s.Least, s.Most))
	}
}

func randomOrganization(r *rand.Rand, name string) site.Organization {
	org := site.Organization{
		Name: name, Approval: pick(r, site.Approvals()...), ManagedBy: pick(r, "", site.ManagedByFile, site.ManagedByTenant),
		Expiration: pick(r, time.Time{}, time.Time{}, time.Date(2027, 12, 31, 0, 0, 0, 0, time.UTC)),
	}
	for _, i := range r.Perm(5)[:r.Intn(6)] {
		org.Contacts = append(org.Contacts, pick(r, "a@x", "b@x", "c@x", "d@x", "e@x"), itoa(i)+"@y")
	}
	return org
}

func randomDesired(r *rand.Rand) plan.Desired {
	d := plan.Desired{Host: "kts01", File: "site.hcl", AuthCodes: map[string]names.Secret{}}
	if r.Intn(5) > 0 {
		server := randomServer(r)
		d.Server = &server
	}
	if r.Intn(3) > 0 {
		database := shown(randomDatabase(r))
		d.Database = &database
	}
	if r.Intn(3) > 0 {
		d.Limits = &site.Limits{Limits: randomLimits(r), Written: site.Words{"client_rate": "1e1"}}
	}
	if r.Intn(3) > 0 {
		d.Audit = &site.Audit{Audit: randomAudit(r)}
	}
	for k, i := range r.Perm(8)[:r.Intn(7)] {
		if k > 4 {
			d.Removed = append(d.Removed, site.Removed{Organization: "org" + itoa(i), Deposits: int64(i)})
			continue
		}
		org := randomOrganization(r, "org"+itoa(i))
		if org.Approval == site.ApprovalAuthCode && r.Intn(2) == 0 {
			org.AuthCodeFile = "/code"
			d.AuthCodes[org.Name] = pick[names.Secret](r, "one", "two")
		}
		d.Organizations = append(d.Organizations, org)
	}
	return d
}

func randomWorld(r *rand.Rand) *world {
	w := &world{file: randomServer(r), organizations: map[string]plan.LiveOrganization{}}
	w.running = pick(r, w.file, randomServer(r))
	w.certificateChanged = r.Intn(3) == 0
	w.limits, w.audit = randomLimits(r), randomAudit(r)
	w.inForce, w.kept = pick(r, w.limits, randomLimits(r)), pick(r, w.audit, randomAudit(r))
	w.database = randomDatabase(r)
	w.opened = pick(r, w.database, randomDatabase(r))
	w.stopped = r.Intn(5) == 0
	for _, i := range r.Perm(8)[:r.Intn(7)] {
		org := randomOrganization(r, "org"+itoa(i))
		org.Contacts = slices.Compact(slices.Sorted(slices.Values(org.Contacts)))
		w.organizations[org.Name] = plan.LiveOrganization{
			Organization: org, State: plan.StateActive, AuthCode: pick[names.Secret](r, "", "one", "two", "three"),
			Usage: &plan.Usage{Clients: 2, Deposits: int64(i)},
		}
	}
	return w
}

// drift changes one declared thing of a host that is in sync, and says what; ""
// = nothing is declared.
func drift(r *rand.Rand, desired plan.Desired, w *world) string {
	n := len(desired.Organizations)
	if n == 0 && desired.Server == nil && desired.Database == nil && desired.Limits == nil && desired.Audit == nil {
		return ""
	}
	i := r.Intn(n + 4)
	switch {
	case i == n+2 && desired.Limits != nil:
		return driftSettings(r, w.limits.Settings(), w.inForce.Settings())
	case i == n+3 && desired.Audit != nil:
		return driftSettings(r, w.audit.Settings(), w.kept.Settings())
	case i == n && desired.Server != nil:
		return driftServer(r, w)
	case i == n+1 && desired.Database != nil:
		return driftDatabase(r, w)
	case i >= n:
		return drift(r, desired, w)
	}
	name := desired.Organizations[i].Name
	org := w.organizations[name]
	defer func() { w.organizations[name] = org }()
	owner := ""
	if desired.Organizations[i].ManagedBy == site.ManagedByTenant {
		owner = "a tenant "
	}
	switch kind := r.Intn(6); {
	case kind == 4:
		org.Expiration = time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
		return "expiration changed in " + name
	case kind == 5:
		org.ManagedBy = map[site.ManagedBy]site.ManagedBy{site.ManagedByTenant: site.ManagedByFile}[org.ManagedBy]
		if org.ManagedBy == "" {
			org.ManagedBy = site.ManagedByTenant
		}
		return "management changed in " + name
	case kind == 0 && len(org.Contacts) > 0:
		i := r.Intn(len(org.Contacts))
		org.Contacts = slices.Delete(slices.Clone(org.Contacts), i, i+1)
		return owner + "contact removed from " + name
	case kind == 1 && org.Approval == site.ApprovalAuthCode:
		org.AuthCode = ""
		if desired.AuthCodes[name] != "" {
			org.AuthCode = pick[names.Secret](r, "", "other", "twO")
		}
		if org.AuthCode != "" {
			return owner + "code changed in " + name
		}
		return "code changed in " + name
	case kind == 2:
		others := slices.DeleteFunc(site.Approvals(), func(a site.Approval) bool { return a == org.Approval })
		org.Approval = pick(r, others...)
		return "approval changed in " + name
	default:
		org.Contacts = append(slices.Clone(org.Contacts), "mallory@x")
		return owner + "contact added to " + name
	}
}

// driftServer changes the file to what ktsd already declines, or ktsd itself:
// either way one step puts it right.
func driftServer(r *rand.Rand, w *world) string {
	switch r.Intn(6) {
	case 0:
		w.file.Listen = ":9"
		return "listen changed in the file"
	case 3:
		w.file.TLS.Ciphers = "ALL"
		return "ciphers changed in the file"
	case 4:
		w.file.TLS.PasswordScript = "/bin/echo -n mallory"
		return "password script changed in the file"
	case 5:
		w.running.Hostname = "mallory"
		return "hostname changed in ktsd"
	case 1:
		w.running.TLS.PrivateKey = "/mallory.key"
		return "private key changed in ktsd"
	default:
		w.certificateChanged = true
		return "certificate changed on disk"
	}
}

// driftSettings changes a value of the file, or of ktsd.
func driftSettings(r *rand.Rand, file, running []bounds.Setting) string {
	i := r.Intn(len(file))
	s, where := file[i], "the file"
	if r.Intn(2) == 0 {
		s, where = running[i], "ktsd"
	}
	other := s.Least
	if s.Value() == other {
		other = s.Most
	}
	if err := s.Set(other); err != nil {
		panic(err)
	}
	return s.Name + " changed in " + where
}

// driftDatabase has the file name another database, or ktsd run with another one.
func driftDatabase(r *rand.Rand, w *world) string {
	if r.Intn(2) == 0 {
		w.database = site.Database{Engine: "postgres", URL: "mallory"}
		return "database changed in the file"
	}
	w.opened = site.Database{Engine: "postgres", URL: "mallory"}
	return "another database opened"
}

package rig

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/ktsd/ktsd/bench/internal/load"
	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/tlsconf"
)

// Options say what ktsd is to be.
type Options struct {
	Programs      string    // folder of ktsd, ktadmin and keytrustee
	Dir           string    // is made
	Postgres      *Postgres // nil: the embedded store
	Organizations int
	Clients       int // over all organizations
	HTTP2         bool
}

// Ktsd is a ktsd with clients that are registered.
type Ktsd struct {
	Options
	Addr    string
	dir     confdir.Dir
	process *process
}

// NewKtsd makes the directory, starts ktsd and registers its clients.
func NewKtsd(ctx context.Context, o Options) (*Ktsd, error) {
	k := &Ktsd{Options: o, dir: confdir.Dir(filepath.Join(o.Dir, "server"))}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, err
	}
	if err := k.init(ctx); err != nil {
		return nil, err
	}
	if err := k.Start(ctx); err != nil {
		return nil, err
	}
	if err := k.register(ctx); err != nil {
		k.Stop()
		return nil, err
	}
	return k, nil
}

func (k *Ktsd) program(name string) string { return filepath.Join(k.Programs, name) }

// init makes ktsd's directory.
func (k *Ktsd) init(ctx context.Context) error {
	args := []string{"init", "--confdir", string(k.dir), "--hostname", "localhost"}
	if err := run(ctx, k.program("ktadmin"), args, nil); err != nil {
		return err
	}
	var err error
	if k.Addr, err = freeAddress(); err != nil {
		return err
	}
	if k.Postgres == nil {
		return k.setConf(map[string]any{"LISTEN": k.Addr, "LIMITS": limits()})
	}
	url, err := k.Postgres.CreateDatabase(ctx, filepath.Base(k.Dir))
	if err != nil {
		return err
	}
	if err := k.setConf(map[string]any{"LISTEN": k.Addr, "LIMITS": limits(), "DATABASE_URL": url}); err != nil {
		return err
	}
	if err := run(ctx, k.program("ktadmin"), append(args, "--empty-database"), nil); err != nil {
		return err
	}
	return checkUsed(ctx, url)
}

// limits let few clients ask and keep as much as very many do: what is counted is
// counted all the same.
func limits() map[string]any {
	return map[string]any{
		"client_rate": 1_000_000, "organization_rate": 1_000_000, "client_deposits": 1_000_000_000, "client_bytes": int64(1 << 40),
		"organization_deposits": 1_000_000_000, "organization_bytes": int64(1 << 40),
	}
}

// setConf sets keys of keytrustee.conf.
func (k *Ktsd) setConf(values map[string]any) error {
	data, err := os.ReadFile(k.dir.Conf())
	if err != nil {
		return err
	}
	all := map[string]any{}
	if err := json.Unmarshal(data, &all); err != nil {
		return fmt.Errorf("%s: %w", k.dir.Conf(), err)
	}
	for key, value := range values {
		all[key] = value
	}
	if data, err = json.MarshalIndent(all, "", "    "); err != nil {
		return err
	}
	return k.dir.Write(k.dir.Conf(), data, 0o600)
}

// Launch starts ktsd and does not wait.
func (k *Ktsd) Launch() (err error) {
	k.process, err = start(k.program("ktsd"), []string{"--confdir", string(k.dir), "--log-level", "warn"}, nil)
	return err
}

// Start starts ktsd and waits until it answers.
func (k *Ktsd) Start(ctx context.Context) error {
	if err := k.Launch(); err != nil {
		return err
	}
	err := k.Await(ctx, 10*time.Millisecond)
	if err != nil {
		k.Stop()
	}
	return err
}

// Await waits until ktsd answers over TLS, and asks again after every.
func (k *Ktsd) Await(ctx context.Context, every time.Duration) error {
	roots, err := k.roots()
	if err != nil {
		return err
	}
	transport := &http.Transport{TLSClientConfig: tlsconf.Client(roots, nil), DisableKeepAlives: true}
	asker := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	return k.process.await(ctx, every, func() error {
		resp, err := asker.Get("https://" + k.Host() + "/healthz")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("/healthz answers %s", resp.Status)
		}
		return nil
	})
}

// Stop stops ktsd.
func (k *Ktsd) Stop() error {
	err := k.process.stop(syscall.SIGTERM)
	k.process = nil
	return err
}

// PID returns the process's number.
func (k *Ktsd) PID() int { return k.process.cmd.Process.Pid }

// Ktadmin runs a command of ktadmin on ktsd's directory, which has to end with the
// given exit code, and returns how long it took and the processor time that it used.
func (k *Ktsd) Ktadmin(ctx context.Context, code int, args ...string) (took, used time.Duration, err error) {
	cmd := exec.CommandContext(ctx, k.program("ktadmin"), append(args, "--confdir", string(k.dir))...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took = time.Since(began)
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		return took, 0, fmt.Errorf("ktadmin %s: want exit code %d: %w\n%.2000s", args[0], code, err, out)
	}
	return took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// Host returns the host and port that the certificate is for.
func (k *Ktsd) Host() string {
	_, port, _ := net.SplitHostPort(k.Addr)
	return "localhost:" + port
}

// ClientDir returns the directory of a client.
func (k *Ktsd) ClientDir(i int) string { return filepath.Join(k.Dir, "clients", fmt.Sprint(i)) }

func (k *Ktsd) roots() (*x509.CertPool, error) { return readRoots(k.dir.Certificate()) }

func readRoots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return roots, nil
}

// register makes organizations that let everybody in, and their clients.
func (k *Ktsd) register(ctx context.Context) error {
	admin := client.NewAdmin(k.dir.DialSocket)
	for i := range k.Organizations {
		if err := admin.CreateOrganization(ctx, client.NewOrganization{Name: organization(i), Approval: "automatic"}); err != nil {
			return fmt.Errorf("creating an organization: %w", err)
		}
	}
	if err := os.MkdirAll(filepath.Join(k.Dir, "clients"), 0o700); err != nil {
		return err
	}
	errs := make(chan error, k.Clients)
	var group sync.WaitGroup
	places := make(chan struct{}, 4)
	for i := range k.Clients {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			_, err := client.Register(ctx, k.ClientDir(i), client.Registration{
				Servers: []string{"https://" + k.Host()}, Organization: organization(i % k.Organizations), CA: k.dir.Certificate(),
			})
			if err != nil {
				errs <- fmt.Errorf("registering a client: %w", err)
			}
		})
	}
	group.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func organization(i int) string { return fmt.Sprintf("bench-%d", i) }

// Server returns what the load generator needs.
func (k *Ktsd) Server() (*Server, error) {
	s := &Server{Name: "ktsd", PID: k.PID(), Target: load.Target{Addr: k.Addr, Host: k.Host(), Dialect: load.Ktsd(), HTTP2: k.HTTP2}}
	if k.Postgres != nil {
		s.Databases = []int{k.Postgres.PID()}
	}
	var err error
	s.Target.TLS, err = k.clientTLS(k.Clients)
	return s, err
}

// clientTLS returns the TLS settings of the first n clients.
func (k *Ktsd) clientTLS(n int) ([]*tls.Config, error) {
	roots, err := k.roots()
	if err != nil {
		return nil, err
	}
	var all []*tls.Config
	for i := range n {
		dir := k.ClientDir(i)
		pair, err := tlsconf.LoadPair(filepath.Join(dir, "client-cert.pem"), filepath.Join(dir, "client-key.pem"))
		if err != nil {
			return nil, err
		}
		all = append(all, tlsconf.Client(roots, pair))
	}
	return all, nil
}

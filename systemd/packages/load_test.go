package packages_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ktsd/ktsd/client"
)

// How the clients ask: each request is made again until it is answered, and has
// failed if that takes longer than the deadline, or if anything but "not now" and
// "perhaps" is the answer.
const (
	askers   = 4
	deadline = 45 * time.Second
	pause    = 50 * time.Millisecond // before a request is made again
)

// report is what the clients tell in the end.
type report struct {
	Requests int           // answered as they have to be
	Again    int           // attempts that had no answer, and were made again
	Longest  time.Duration // from the first attempt to the answer
	Failed   []string      // requests that failed
}

// load is clients at work, in a process of their own in the machine's network.
type load struct {
	m     *machine
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
	errs  bytes.Buffer
}

// loadEnv names the machine's root to the process of the clients.
const loadEnv = "KTSD_TEST_LOAD"

// startLoad has clients ask, and returns once each has had an answer.
func (m *machine) startLoad() *load {
	m.t.Helper()
	l := &load{m: m}
	l.cmd = exec.Command("nsenter", "--target", m.leader, "--net", os.Args[0])
	l.cmd.Env = append(os.Environ(), loadEnv+"="+m.root)
	l.cmd.Stderr = &l.errs
	stdout, err := l.cmd.StdoutPipe()
	if err == nil {
		l.stdin, err = l.cmd.StdinPipe()
	}
	if err == nil {
		err = l.cmd.Start()
	}
	if err != nil {
		m.t.Fatalf("starting the clients: %v", err)
	}
	l.lines = bufio.NewScanner(stdout)
	l.more()
	return l
}

// more returns once each client has begun and ended a further request.
func (l *load) more() {
	l.m.t.Helper()
	fmt.Fprintln(l.stdin, "more")
	if !l.lines.Scan() {
		l.cmd.Wait()
		l.m.t.Fatalf("the clients have ended\n%s", l.errs.String())
	}
}

// end ends the clients. Not one request may have failed.
func (l *load) end(during string) report {
	l.m.t.Helper()
	l.more()
	l.stdin.Close()
	var r report
	l.lines.Scan()
	err := json.Unmarshal(l.lines.Bytes(), &r)
	if waited := l.cmd.Wait(); err != nil || waited != nil {
		l.m.t.Fatalf("%s: the clients ended with %v, %v\n%s", during, err, waited, l.errs.String())
	}
	l.m.t.Logf("%s: %d requests, %d of their attempts made again, the longest took %s", during, r.Requests, r.Again, r.Longest.Round(time.Millisecond))
	for _, f := range r.Failed {
		l.m.t.Errorf("%s: a request failed: %s", during, f)
	}
	return r
}

// serveLoad is what the clients' process does, in place of tests. They put and get
// until standard input ends, and check what they get; half of them connect anew for
// each request. A line on standard input is answered by one, once each has begun and
// ended a further request.
func serveLoad(root string) error {
	clients := make([]*asker, askers)
	for i := range clients {
		clients[i] = &asker{dir: filepath.Join(root, "root", fmt.Sprintf("client-%d", i)), anew: i%2 == 0}
		if err := clients[i].register(root); err != nil {
			return err
		}
	}
	var stop atomic.Bool
	var working sync.WaitGroup
	for i, a := range clients {
		working.Go(func() {
			for n := 0; !stop.Load() && len(a.Failed) == 0; n++ {
				a.round(fmt.Sprintf("load/%d", n%8), fmt.Appendf(nil, "%d of client %d at %s", n, i, time.Now()))
				a.rounds.Add(1)
			}
			a.ended.Store(true)
		})
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); fmt.Println("done") {
		for _, a := range clients {
			until := a.rounds.Load() + 2 // the one under way, and one more
			for a.rounds.Load() < until && !a.ended.Load() {
				time.Sleep(time.Millisecond)
			}
		}
	}
	stop.Store(true)
	working.Wait()
	var total report
	for _, a := range clients {
		total.add(a.report)
	}
	return json.NewEncoder(os.Stdout).Encode(total)
}

func (r *report) add(other report) {
	r.Requests += other.Requests
	r.Again += other.Again
	r.Longest = max(r.Longest, other.Longest)
	r.Failed = append(r.Failed, other.Failed...)
}

// asker is one client.
type asker struct {
	dir    string
	anew   bool // connect for each request
	client *client.Client
	report
	rounds atomic.Int64
	ended  atomic.Bool
}

// register registers a client, unless it was registered before.
func (a *asker) register(root string) error {
	_, err := client.Register(context.Background(), a.dir, client.Registration{
		Servers: []string{"https://localhost:11371"}, Organization: "load",
		CA: filepath.Join(root, "var/lib/keytrustee/.keytrustee/.ssl/ssl-cert-keytrustee.pem"),
	})
	if err == nil {
		a.client, err = client.Open(a.dir)
	}
	return err
}

// round puts a new version under a handle, and gets it back.
func (a *asker) round(handle string, contents []byte) {
	var put client.Deposit
	a.ask("put", func(ctx context.Context) (err error) {
		put, err = a.client.Put(ctx, handle, contents, nil)
		return err
	})
	a.ask("get", func(ctx context.Context) error {
		got, plaintext, err := a.client.Get(ctx, handle, 0)
		if err == nil && (got.Version != put.Version || got.UUID != put.UUID || !bytes.Equal(plaintext, contents)) {
			return fmt.Errorf("got version %d, %q; put was version %d, %q", got.Version, plaintext, put.Version, contents)
		}
		return err
	})
}

// ask makes a request until it is answered.
func (a *asker) ask(what string, request func(context.Context) error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	for {
		if a.anew {
			if next, err := client.Open(a.dir); err == nil {
				a.client = next
			}
		}
		err := request(ctx)
		a.Longest = max(a.Longest, time.Since(start))
		switch {
		case err == nil:
			a.Requests++
			return
		case ctx.Err() != nil || !errors.Is(err, client.ErrUnavailable) && !errors.Is(err, client.ErrOutcomeUnknown):
			a.Failed = append(a.Failed, fmt.Sprintf("%s after %s: %v", what, time.Since(start), err))
			return
		}
		a.Again++
		time.Sleep(pause)
	}
}

package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/internal/api"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/names"
	"github.com/ktsd/ktsd/internal/pgp"
	"github.com/ktsd/ktsd/internal/safefile"
)

// PutOptions are what a put may say besides its contents.
type PutOptions struct {
	NotAfter time.Time // from then on the deposit is not served; zero: without end
}

// Put encrypts and signs plaintext and keeps it as a new version under handle.
// When it returns without an error the deposit is on the server's disk.
//
// Before anything is sent, the UUID and the encrypted bytes are in the client's
// directory, and they stay there until a server has confirmed them. So a put
// that was interrupted is made again by the same call with the same plaintext,
// and is still one deposit. Other puts that wait are sent first.
func (c *Client) Put(ctx context.Context, handle string, plaintext []byte, opts *PutOptions) (Deposit, error) {
	if err := names.CheckHandle(handle); err != nil {
		return Deposit{}, fault.New(fault.Invalid, "%v", err)
	}
	p := pendingPut{Handle: handle, Started: time.Now().UTC()}
	if opts != nil && !opts.NotAfter.IsZero() {
		p.NotAfter = opts.NotAfter.UTC().Format(time.RFC3339Nano)
	}
	again, err := c.resume(ctx, p, plaintext)
	if err != nil {
		return Deposit{}, err
	}
	if again != nil {
		return *again, nil
	}
	id, err := uuid.NewV7() // ordered by time: new deposits lie side by side in the server's index
	if err != nil {
		return Deposit{}, err
	}
	p.UUID = id.String()
	if p.contents, err = c.encrypt(p, plaintext); err != nil {
		return Deposit{}, err
	}
	c.sending.Store(p.UUID, nil)
	defer c.sending.Delete(p.UUID)
	if err := c.dir.writePending(p); err != nil {
		return Deposit{}, fmt.Errorf("keeping the put for the case of an interruption: %w", err)
	}
	return c.sendPut(ctx, p)
}

// encrypt makes what is sent of a plaintext, if the server can take it.
func (c *Client) encrypt(p pendingPut, plaintext []byte) ([]byte, error) {
	if len(plaintext) > api.MaxDeposit {
		return nil, errTooLarge(len(plaintext))
	}
	contents, err := pgp.Encrypt(plaintext, c.key, c.context(p.UUID, p.Handle))
	if err != nil {
		return nil, fmt.Errorf("encrypting the deposit: %w", err)
	}
	if len(contents) > api.MaxDeposit {
		return nil, errTooLarge(len(contents))
	}
	return contents, nil
}

func errTooLarge(size int) error {
	return fault.New(fault.TooLarge, "the deposit has %d bytes; at most %d are kept, once encrypted", size, api.MaxDeposit).
		WithHint("deposit a key that encrypts the large file, not the file")
}

// resume sends the puts that wait, oldest first, but not those that another call
// is sending or has just had confirmed. It returns the answer to the one that is
// the same as p with this plaintext, if there is one and it is what the handle now
// stands for: had it been confirmed long ago, and deleted since, p is a new put.
func (c *Client) resume(ctx context.Context, p pendingPut, plaintext []byte) (*Deposit, error) {
	waiting, err := c.dir.readPending()
	if err != nil {
		return nil, err
	}
	var same *Deposit
	for _, w := range waiting {
		if _, ok := c.sending.Load(w.UUID); ok || !c.dir.waits(w) {
			continue
		}
		d, err := c.sendPut(ctx, w)
		switch {
		case err == nil && w.Handle == p.Handle && w.NotAfter == p.NotAfter && c.holds(w, plaintext):
			same = &d
		case !settled(err):
			return nil, fmt.Errorf("an earlier put of %q still waits in %s, and is sent first: %w", w.Handle, c.dir.pendingFile(w), err)
		}
	}
	if same == nil {
		return nil, nil
	}
	if latest, err := c.latest(ctx, p.Handle); err != nil || latest.UUID != same.UUID || latest.Deleted != nil {
		return nil, err
	}
	return same, nil
}

// holds tells whether a put that waited is of this plaintext.
func (c *Client) holds(w pendingPut, plaintext []byte) bool {
	have, err := pgp.Decrypt(w.contents, c.key, c.context(w.UUID, w.Handle))
	return err == nil && bytes.Equal(have, plaintext)
}

// sendPut sends exactly what waits. It waits no longer once a server has answered
// for good, be it with yes or no.
func (c *Client) sendPut(ctx context.Context, p pendingPut) (Deposit, error) {
	query := url.Values{"handle": {p.Handle}}
	if p.NotAfter != "" {
		query.Set("not_after", p.NotAfter)
	}
	a, err := c.remote.send(ctx, http.MethodPut, "/v1/deposits/"+p.UUID, query, p.contents)
	var d Deposit
	if err == nil && (json.Unmarshal(a.body, &d) != nil || d.UUID != p.UUID || d.Handle != p.Handle) {
		return Deposit{}, fault.New(fault.OutcomeUnknown, "the server's answer is not that to the put of %q", p.Handle).
			WithHint("is it a Key Trustee server? The put waits, and the next one sends it again")
	}
	if settled(err) {
		err = errors.Join(err, c.dir.dropPending(p))
	}
	return d, err
}

// settled says whether a server has answered a put for good: the same put sent
// again would have the same answer, or until somebody makes room.
func settled(err error) bool {
	if err == nil {
		return true
	}
	for _, kind := range []fault.Kind{fault.Invalid, fault.Conflict, fault.Gone, fault.TooLarge, fault.Quota} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// pendingPut is a put that no server has confirmed: one file in the folder
// "pending", a line of JSON and then the encrypted bytes.
type pendingPut struct {
	UUID     string    `json:"uuid"`
	Handle   string    `json:"handle"`
	NotAfter string    `json:"not_after,omitempty"` // as it was sent first
	Started  time.Time `json:"started"`

	contents []byte
}

func (d directory) pendingFile(p pendingPut) string { return filepath.Join(d.pending(), p.UUID) }

func (d directory) writePending(p pendingPut) error {
	if err := safefile.MakeDir(d.pending()); err != nil {
		return err
	}
	if err := safefile.Adopt(d.pending(), string(d)); err != nil {
		return err
	}
	head, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return d.write(d.pendingFile(p), append(append(head, '\n'), p.contents...), 0o600)
}

func (d directory) dropPending(p pendingPut) error {
	if err := os.Remove(d.pendingFile(p)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// waits tells whether p still waits: it may have been confirmed since it was read.
func (d directory) waits(p pendingPut) bool {
	_, err := os.Lstat(filepath.Join(d.pending(), p.UUID))
	return !os.IsNotExist(err)
}

// readPending returns the puts that wait, oldest first.
func (d directory) readPending() ([]pendingPut, error) {
	entries, err := os.ReadDir(d.pending())
	if os.IsNotExist(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var waiting []pendingPut
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") { // a temporary file of a crash
			continue
		}
		file := filepath.Join(d.pending(), e.Name())
		data, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue // another call has just had it confirmed
		} else if err != nil {
			return nil, err
		}
		head, contents, _ := bytes.Cut(data, []byte("\n"))
		var p pendingPut
		if err := json.Unmarshal(head, &p); err != nil || p.UUID != e.Name() {
			return nil, fmt.Errorf("%s is not a put that waits: move it away", file)
		}
		p.contents = contents
		waiting = append(waiting, p)
	}
	slices.SortFunc(waiting, func(a, b pendingPut) int { return a.Started.Compare(b.Started) })
	return waiting, nil
}

package client_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/ktest"
)

// process holds what examples and tests share until all of them are done.
var process ktest.Process

func TestMain(m *testing.M) {
	code := m.Run()
	process.Close()
	os.Exit(code)
}

// shared returns the server of the examples, and of the tests that do not stop
// it. Its organizations quickstart, q and p let everybody in.
var shared = sync.OnceValue(func() *ktest.Server {
	s := ktest.Start(&process, ktest.Dir(&process))
	for _, org := range []string{"quickstart", "q", "p"} {
		s.Organization(&process, org)
	}
	return s
})

// registered returns a client that is registered with the shared server.
func registered() *client.Client {
	c, _ := shared().Client(&process, "quickstart")
	return c
}

// A program registers once, and from then on opens its directory.
func Example() {
	ctx := context.Background()
	server := shared() // at home: the ktsd of the site
	dir := filepath.Join(process.TempDir(), "keytrustee")

	_, err := client.Register(ctx, dir, client.Registration{
		Servers:      []string{server.URL}, // like https://kts01.example.com:11371
		Organization: "quickstart",
		CA:           server.CA(), // a file; "" where the system's roots vouch for the server
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	c, err := client.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := c.Put(ctx, "luks/sda2", []byte("correct horse battery staple"), nil); err != nil {
		fmt.Println(err)
		return
	}
	deposit, secret, err := c.Get(ctx, "luks/sda2", 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, version %d: %s\n", deposit.Handle, deposit.Version, secret)
	// Output: luks/sda2, version 1: correct horse battery staple
}

// Register is safe to call at every start: it changes nothing once it is done.
func ExampleRegister() {
	ctx := context.Background()
	server := shared()
	dir := filepath.Join(process.TempDir(), "keytrustee")
	registration := client.Registration{Servers: []string{server.URL}, Organization: "quickstart", CA: server.CA()}
	for range 2 {
		done, err := client.Register(ctx, dir, registration)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(done.State, done.Before)
	}
	// Output:
	// active false
	// active true
}

// A put under a handle that exists makes a new version.
func ExampleClient_Put() {
	ctx := context.Background()
	c := registered()
	for _, password := range []string{"first", "second"} {
		d, err := c.Put(ctx, "db/password", []byte(password), nil)
		if err != nil {
			fmt.Println(err) // run the same again: it is still one deposit
			return
		}
		fmt.Println(d.Handle, d.Version)
	}
	_, old, err := c.Get(ctx, "db/password", 1)
	fmt.Println(string(old), err)
	// Output:
	// db/password 1
	// db/password 2
	// first <nil>
}

// Programs tell errors apart by their kind.
func ExampleClient_Get() {
	_, _, err := registered().Get(context.Background(), "never/put", 0)
	switch {
	case err == nil:
		fmt.Println("found")
	case errors.Is(err, client.ErrNotFound):
		fmt.Println("there is no such deposit")
	case errors.Is(err, client.ErrUnavailable):
		fmt.Println("no server can be reached now: try later")
	case errors.Is(err, client.ErrCorrupt):
		fmt.Println("what came back is not what was put: call the operator")
	}
	// Output: there is no such deposit
}

func ExampleClient_List() {
	ctx := context.Background()
	c := registered()
	for _, handle := range []string{"zone/b", "zone/a", "other"} {
		if _, err := c.Put(ctx, handle, []byte("key"), nil); err != nil {
			fmt.Println(err)
			return
		}
	}
	deposits, err := c.List(ctx, "zone/", false)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range deposits {
		fmt.Println(d.Handle, d.Version)
	}
	// Output:
	// zone/a 1
	// zone/b 1
}

// Deleted is not gone: the latest version comes back.
func ExampleClient_Undelete() {
	ctx := context.Background()
	c := registered()
	if _, err := c.Put(ctx, "a", []byte("key"), nil); err != nil {
		fmt.Println(err)
		return
	}
	_, err := c.Delete(ctx, "a")
	fmt.Println(err)
	_, _, err = c.Get(ctx, "a", 0)
	fmt.Println(errors.Is(err, client.ErrNotFound))
	_, err = c.Undelete(ctx, "a")
	fmt.Println(err)
	_, secret, err := c.Get(ctx, "a", 0)
	fmt.Println(string(secret), err)
	// Output:
	// <nil>
	// true
	// <nil>
	// key <nil>
}

// The operator, on the server's own host, reaches ktsd over its admin socket.
func ExampleAdmin() {
	ctx := context.Background()
	dir := confdir.Dir(shared().Dir) // where ktadmin init made it
	admin := client.NewAdmin(dir.DialSocket)
	err := admin.CreateOrganization(ctx, client.NewOrganization{Name: "disaster-recov", Contacts: []string{"finn@example.com"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = admin.CreateOrganization(ctx, client.NewOrganization{Name: "disaster-recov"})
	fmt.Println(errors.Is(err, client.ErrConflict))
	// Output: true
}

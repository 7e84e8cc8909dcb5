package storetest

import (
	"context"
	"fmt"

	"github.com/ktsd/ktsd/internal/escrow"
)

// testCensus: clients in every state, those that wait by organization, and the
// organizations whose time has passed; of many, not all are named.
func testCensus(w *world) {
	census := func() escrow.Census {
		w.Helper()
		c, err := w.store.Census(context.Background(), at(500))
		w.same("error of Census", c, c, err)
		return c
	}
	w.same("of an empty store", census(), escrow.Census{}, nil)

	for i := range 12 {
		o := organization(escrow.OrgName(fmt.Sprintf("org%02d", 11-i)))
		o.Expires = at(1000)
		if i > 0 {
			o.Expires = at(490 + i) // those of 1 to 10 have passed
		}
		w.change(escrow.AddOrganization{Organization: o})
		for j := range i + 1 {
			c := client(100*i+j+1, o.Name)
			if c.State = escrow.ClientPending; j == 0 {
				c.State = escrow.ClientActive
			} else if j == 1 {
				c.State = escrow.ClientDisabled
			}
			w.change(escrow.AddClient{Client: c})
		}
	}
	want := escrow.Census{Clients: 78, Pending: 55, Organizations: 12, Expired: 10}
	for i := range 10 {
		want.Waiting = append(want.Waiting, escrow.Waiting{Organization: escrow.OrgName(fmt.Sprintf("org%02d", i)), Clients: int64(10 - i)})
		want.ExpiredNames = append(want.ExpiredNames, escrow.OrgName(fmt.Sprintf("org%02d", i+1)))
	}
	w.same("of many", census(), want, nil)

	w.change(escrow.SetClientState{Client: fingerprint(1103), State: escrow.ClientActive, MAC: mac("active")})
	want.Pending, want.Waiting[0].Clients = 54, 9
	w.same("after one was let in", census(), want, nil)
}

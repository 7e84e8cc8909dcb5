package storetest

import (
	"context"

	"github.com/ktsd/ktsd/internal/escrow"
)

// testOrganizations: all come whole, in the order of their names' bytes, with
// their contacts in that order.
func testOrganizations(w *world) {
	sorted := []escrow.Organization{
		organization("A"), organization("B-1", "z@example.com"), organization("B_1"),
		organization("a", "A@example.com", "Z@example.com", "a'b@example.com", "a@example.com", "é@example.com"), organization("a-a"), organization("b"),
	}
	sorted[2].Code, sorted[2].Approval = escrow.Sealed{}, escrow.ApprovalAutomatic
	for _, i := range []int{3, 1, 5, 0, 2, 4} {
		o := sorted[i]
		var reversed []string
		for _, contact := range o.Contacts {
			reversed = append([]string{contact}, reversed...)
		}
		o.Contacts = reversed
		w.change(escrow.AddOrganization{Organization: o})
	}
	got, err := w.store.Organizations(context.Background())
	w.same("Organizations", got, sorted, err)
}

// testClients: they come whole, by organization and fingerprint, of one
// organization or of all.
func testClients(w *world) {
	for _, org := range []escrow.OrgName{"b", "a", "C", "a-b"} {
		w.change(escrow.AddOrganization{Organization: organization(org)})
	}
	sorted := []escrow.Client{client(7, "C"), client(3, "a"), client(0xA0, "a"), client(1, "a-b"), client(2, "b")}
	sorted[2].Name, sorted[2].State = "", escrow.ClientDisabled
	for _, i := range []int{2, 4, 0, 3, 1} {
		w.change(escrow.AddClient{Client: sorted[i]})
	}
	for org, want := range map[escrow.OrgName][]escrow.Client{
		"": sorted, "a": sorted[1:3], "a-b": sorted[3:4], "b": sorted[4:], "C": sorted[:1], "c": nil, "none": nil, "%": nil, "' OR 1=1 --": nil,
	} {
		got, err := w.store.Clients(context.Background(), org)
		w.same("Clients of "+string(org), got, want, err)
	}
}

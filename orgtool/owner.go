package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/cli"
)

// ownerTime bounds the question whose an organization is, after which nothing is done.
const ownerTime = 5 * time.Second

// warnOwned tells of a change that was made in an organization which the site's file
// owns. Where ktsd cannot say whose it is, the change stands all the same.
func warnOwned(ctx context.Context, streams *cli.Streams, admin *client.Admin, org string) {
	ctx, cancel := context.WithTimeout(ctx, ownerTime)
	defer cancel()
	orgs, err := admin.Organizations(ctx)
	if err != nil {
		return
	}
	for _, o := range orgs {
		if o.Name == org && o.ManagedBy == "file" {
			fmt.Fprintf(streams.Err, "warning: organization %s: the site's file owns it: the next apply takes this back; change it there\n", org)
		}
	}
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ktsd/ktsd/client"
	"github.com/ktsd/ktsd/internal/cli"
)

type listCommand struct{}

// Help is shown by --help.
func (listCommand) Help() string {
	return `The object has one member for each organization, by its name. It holds the authorization codes:
keep it from others. Standard output is the object alone; a warning, where rows of the database are
not what this server wrote, goes to standard error.

Example:
  orgtool list | jq keys`
}

// listed is an organization in the original's form ("List Organizations" in its manual).
type listed struct {
	AuthSecret string   `json:"auth_secret"`
	Contacts   []string `json:"contacts"`
	Creation   string   `json:"creation"`
	Expiration string   `json:"expiration"`
	KeyInfo    *string  `json:"key_info"`
	Name       string   `json:"name"`
	State      int      `json:"state"` // 0: active
	UUID       string   `json:"uuid"`
	Approval   string   `json:"approval"`   // ours: auth_code, contacts or automatic
	ManagedBy  string   `json:"managed_by"` // ours: tenant, or file: the site's file owns it
}

// originalTime is the original's form of a time: UTC, without a zone.
const originalTime = "2006-01-02T15:04:05"

// Run prints the organizations.
func (listCommand) Run(ctx context.Context, c *command, streams *cli.Streams) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	orgs, err := admin.Organizations(ctx)
	if err != nil {
		return err
	}
	out := make(map[string]listed, len(orgs))
	for _, o := range orgs {
		out[o.Name] = inOriginalForm(o)
		if len(o.Foreign) > 0 {
			fmt.Fprintf(streams.Err, "warning: organization %s: this server did not write these rows of its database: %s; see ktsd's log\n",
				o.Name, strings.Join(o.Foreign, ", "))
		}
	}
	enc := json.NewEncoder(streams.Out)
	enc.SetIndent("", "    ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

func inOriginalForm(o client.Organization) listed {
	state := 0
	if !time.Now().Before(o.Expires) {
		state = 1
	}
	return listed{
		AuthSecret: o.AuthCode, Contacts: o.Contacts, Creation: o.Created.UTC().Format(originalTime),
		Expiration: o.Expires.UTC().Format(originalTime), Name: o.Name, State: state, UUID: o.UUID, Approval: o.Approval, ManagedBy: o.ManagedBy,
	}
}

package plan

import "encoding/json"

// planView is what is shown of a plan: its JSON form, and the source of its
// text. What a secret contains is not in it.
type planView struct {
	Format    int             `json:"format"` // version of this layout
	Host      string          `json:"host"`
	File      string          `json:"file"`
	InSync    bool            `json:"in_sync"`
	Blocks    []blockView     `json:"blocks"`
	Unmanaged []unmanagedView `json:"unmanaged"`
	Tenants   []tenantView    `json:"tenants"`
	Warnings  []warningView   `json:"warnings"`
	Unknown   []unknownView   `json:"unknown"`
	Stop      string          `json:"stop,omitempty"` // why ktsd has to be stopped first
	Summary   summaryView     `json:"summary"`
}

// blockView is a block of the file with its differences.
type blockView struct {
	Block  string     `json:"block"`  // "server", "database", "limits", "audit", "organization"
	Name   string     `json:"name"`   // empty: it has none
	Action action     `json:"action"` // add: the block is new; change: it exists; remove: it goes
	Lines  []lineView `json:"changes"`
}

// lineView is one difference. In a block to add or to remove, the lines have no
// action of their own: they are what it begins or ends with. Elsewhere such a line tells what
// comes with the others.
type lineView struct {
	Action action `json:"action,omitempty"`
	Name   string `json:"attribute"`
	Old    *Value `json:"old,omitempty"`
	New    *Value `json:"new,omitempty"`
}

type unmanagedView struct {
	Block string `json:"block"`
	Name  string `json:"name"`
	State string `json:"state,omitempty"`
}

// tenantView is what a tenant changed of what the file gave.
type tenantView struct {
	Block   string   `json:"block"`
	Name    string   `json:"name"`
	Added   []string `json:"contacts_added"`
	Removed []string `json:"contacts_removed"`
	Code    bool     `json:"auth_code_changed"`
}

type warningView struct {
	Block     string `json:"block"`
	Name      string `json:"name"`
	Attribute string `json:"attribute,omitempty"`
	Text      string `json:"warning"`
}

type unknownView struct {
	Reason string   `json:"reason"`
	Block  string   `json:"block"`
	Names  []string `json:"names"`
}

// summaryView counts every action that is shown: a block to add once, and in
// the other blocks each line.
type summaryView struct {
	Add     int `json:"add"`
	Change  int `json:"change"`
	Remove  int `json:"remove"`
	Unknown int `json:"unknown"`
}

type action string

const (
	actionAdd    action = "add"
	actionChange action = "change"
	actionRemove action = "remove"
)

// changeView is what one Change contributes to its block.
type changeView struct {
	block, name string
	action      action // of the block
	lines       []lineView
}

// MarshalJSON returns the plan for programs: the same facts as Render's, in the
// same order.
func (p Plan) MarshalJSON() ([]byte, error) { return json.Marshal(p.view()) }

func (p Plan) view() planView {
	v := planView{
		Format: 1, Host: p.Host, File: p.File, InSync: p.InSync(), Stop: p.Stop,
		Blocks: []blockView{}, Unmanaged: []unmanagedView{}, Unknown: []unknownView{},
		Tenants: []tenantView{}, Warnings: []warningView{},
	}
	for _, change := range p.Changes {
		for _, c := range change.views() {
			v.add(c)
		}
	}
	for _, u := range p.Unmanaged {
		v.Unmanaged = append(v.Unmanaged, unmanagedView{"organization", u.Organization, u.State})
	}
	for _, t := range p.Tenants {
		v.Tenants = append(v.Tenants, tenantView{"organization", t.Organization, orEmpty(t.Added), orEmpty(t.Removed), t.CodeChanged})
	}
	for _, w := range p.Warnings {
		v.Warnings = append(v.Warnings, warningView(w))
	}
	for _, u := range p.Unknown {
		v.Unknown = append(v.Unknown, unknownView{u.Reason, "organization", u.Organizations})
	}
	v.Summary = v.summary()
	return v
}

// add adds what a change shows, to the block before if it is the same one.
func (v *planView) add(c changeView) {
	last := len(v.Blocks) - 1
	if last < 0 || v.Blocks[last].Block != c.block || v.Blocks[last].Name != c.name {
		v.Blocks = append(v.Blocks, blockView{Block: c.block, Name: c.name, Action: c.action})
		last++
	}
	v.Blocks[last].Lines = append(v.Blocks[last].Lines, c.lines...)
}

func (v planView) summary() summaryView {
	var s summaryView
	tally := func(a action) {
		switch a {
		case actionAdd:
			s.Add++
		case actionChange:
			s.Change++
		case actionRemove:
			s.Remove++
		}
	}
	for _, block := range v.Blocks {
		if block.Action != actionChange {
			tally(block.Action)
			continue
		}
		for _, line := range block.Lines {
			tally(line.Action)
		}
	}
	for _, u := range v.Unknown {
		s.Unknown += len(u.Names)
	}
	return s
}

// orEmpty has JSON say [] rather than null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func attributeLines(attributes []Attribute) []lineView {
	var lines []lineView
	for _, a := range attributes {
		lines = append(lines, lineView{actionChange, a.Name, &a.Old, &a.New})
	}
	return lines
}

package hcl

import (
	"fmt"
	"strconv"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// The bounds of for_each.
const (
	maxOrganizations = 100_000 // of a site
	maxFailures      = 20      // elements of one block, each wrong in another way
)

// item is one element of a for_each.
type item struct{ key, value cty.Value }

// expand decodes a block with for_each once for each of the elements. Its label
// names the block alone; what it declares is named by the attribute name, or else
// by the key.
func (d *decoder) expand(kind blockKind, label string, block *hclsyntax.Block) {
	place := block.DefRange()
	d.block = address{"for_each " + kind.body.kind, label, ""}
	if first, found := d.config.places[d.block]; found {
		d.report(place, fmt.Sprintf("duplicate %s block %q", kind.body.kind, label),
			fmt.Sprintf("The first one stands at %s. Each block with for_each has a label of its own.", lineOf(first.place)), "")
	} else {
		d.config.places[d.block] = spot{place, d.title}
	}
	d.checkBody(kind.body, block.Body)
	attr := block.Body.Attributes["for_each"]
	items, ok := d.items(attr)
	if !ok {
		return
	}
	d.scope.eachHidden = d.config.sources.hides(attr.Expr.Range())
	title, failures, said := d.title, 0, map[saying]bool{}
	for _, it := range items {
		if d.organizations++; d.organizations > maxOrganizations {
			d.report(attr.Expr.Range(), "too many organizations", fmt.Sprintf("A site has at most %d organizations.", maxOrganizations), "")
			break
		}
		d.scope.meter.left += workForEach
		d.title = fmt.Sprintf("%s (for_each key %s)", title, d.shownKey(attr, it.key.AsString()))
		d.scope.each = cty.ObjectVal(map[string]cty.Value{"key": it.key, "value": it.value})
		d.invalidBlock = false
		before := len(d.diags)
		d.expanded(kind, it.key.AsString(), block)
		if d.once(before, said) {
			failures++
		}
		if failures == maxFailures {
			d.report(place, "too many elements are wrong", fmt.Sprintf("After %d of them the others were not looked at.", maxFailures), "")
			break
		}
	}
	d.scope.each = cty.NilVal
}

// shownKey returns a key of for_each in quotes, unless it may be a secret.
func (d *decoder) shownKey(attr *hclsyntax.Attribute, key string) string {
	if looksSecret([]byte(key)) || d.config.sources.hides(attr.Expr.Range()) {
		return notShown
	}
	return strconv.Quote(key)
}

// saying is what a diagnostic says, whatever the element is.
type saying struct {
	place           Place
	summary, detail string
}

// once drops those diagnostics from a number on that say what has been said of
// another element, and tells whether any are left.
func (d *decoder) once(from int, said map[saying]bool) bool {
	kept := d.diags[:from]
	for _, diag := range d.diags[from:] {
		s := saying{summary: diag.Summary, detail: diag.Detail}
		if diag.Place != nil {
			s.place = *diag.Place
		}
		if !said[s] {
			kept = append(kept, diag)
		}
		said[s] = true
	}
	d.diags = kept
	return len(kept) > from
}

// expanded decodes a block for one element.
func (d *decoder) expanded(kind blockKind, key string, block *hclsyntax.Block) {
	d.block = address{}
	name, isSet := d.text(block.Body, "name", kind.check)
	if !isSet {
		if d.isSet(block.Body, "name") {
			return // it is wrong, and reported
		}
		name = key
		if err := kind.check(name); err != nil {
			d.report(block.Body.Attributes["for_each"].Expr.Range(), "a key is no name", sentence(err.Error()),
				`Without the attribute name, the key is the name. Write for example: name = "${lower(each.key)}-vault"`)
			return
		}
	}
	d.block = addressOf(kind.body.kind, name, "")
	d.checkDuplicate(kind, name, block.DefRange())
	if attr, found := block.Body.Attributes["name"]; found {
		d.remember("name", attr)
	}
	kind.store(d, name, block.Body)
}

// items returns the elements of a for_each, those of a map and a set in the order of
// their keys. It returns false if something is wrong, and has been reported.
func (d *decoder) items(attr *hclsyntax.Attribute) ([]item, bool) {
	place := attr.Expr.Range()
	value, ok := d.value(attr.Expr)
	if !ok {
		return nil, false
	}
	t := value.Type()
	isMap := t.IsMapType() || t.IsObjectType()
	if value.IsNull() || !isMap && !t.IsSetType() && !t.IsListType() && !t.IsTupleType() {
		d.report(place, "wrong type for for_each", fmt.Sprintf("for_each is a map, or a set or a list of strings; this is %s.", typeName(value)), "")
		return nil, false
	}
	var items []item
	seen := map[string]bool{}
	for it := value.ElementIterator(); it.Next(); {
		key, element := it.Element()
		if !isMap {
			if element.Type() != cty.String || element.IsNull() {
				d.report(place, "wrong type for for_each", fmt.Sprintf("Each element of a list is a string; here is %s.", typeName(element)), "")
				return nil, false
			}
			key = element
		}
		if seen[key.AsString()] {
			d.report(place, "duplicate element "+d.shownKey(attr, key.AsString()), "An element occurs once in for_each.", "Make a set of the list: toset(…)")
			return nil, false
		}
		seen[key.AsString()] = true
		items = append(items, item{key, element})
	}
	return items, true
}

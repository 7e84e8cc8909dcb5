package hcl

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	hcllib "github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// decoder goes through a file's blocks. It collects what they declare in
// config, and all that is wrong with them in diags.
type decoder struct {
	config *Config
	diags  Diagnostics
	broken []hcllib.Range // where the syntax is wrong

	// The block being decoded.
	block  address
	header hcllib.Range
	errors int // how many diags there were when it began
}

func newDecoder(files sources) *decoder {
	return &decoder{config: &Config{sources: files, places: map[address]hcllib.Range{}}}
}

// report adds an error of the block being decoded.
func (d *decoder) report(place hcllib.Range, summary, detail, suggestion string) {
	diag := Diagnostic{Severity: SeverityError, Summary: summary, Detail: detail, Suggestion: suggestion}
	if d.block.kind != "" {
		diag.Block = blockTitle(d.block.kind, d.block.name)
	}
	d.config.sources.locate(&diag, place)
	d.diags = append(d.diags, diag)
}

// blockIsValid tells whether the block being decoded has no error so far.
func (d *decoder) blockIsValid() bool { return len(d.diags) == d.errors }

func (d *decoder) decodeFile(body *hclsyntax.Body) {
	kinds := map[string]blockKind{}
	for _, kind := range blockKinds() {
		kinds[kind.body.kind] = kind
	}
	names := slices.Sorted(maps.Keys(kinds))
	for name, attr := range body.Attributes {
		d.report(attr.NameRange, fmt.Sprintf("attribute %q outside of a block", name),
			"At the top of a file stand blocks only: "+strings.Join(names, ", ")+".", "")
	}
	for _, block := range body.Blocks {
		if d.hasSyntaxError(block) {
			continue
		}
		d.block, d.header, d.errors = address{}, block.DefRange(), len(d.diags)
		kind, known := kinds[block.Type]
		switch {
		case known:
			d.decodeBlock(kind, block)
		case slices.Contains(laterBlocks(), block.Type):
			d.report(block.DefRange(), fmt.Sprintf("block %q is not available in this build", block.Type),
				"It would have no effect, so it is refused. Remove the block, or run a release that has it.", "")
		default:
			d.report(block.TypeRange, fmt.Sprintf("unknown block %q", block.Type),
				"The blocks are "+list(names)+".", didYouMean(block.Type, names))
		}
	}
}

func (d *decoder) decodeBlock(kind blockKind, block *hclsyntax.Block) {
	if kind.label == "" {
		d.decodeUnlabelled(kind, block)
		return
	}
	if len(block.Labels) == 0 {
		d.report(block.DefRange(), fmt.Sprintf("%s without its %s", block.Type, kind.label),
			fmt.Sprintf("The %s stands in quotes after the word %s.", kind.label, block.Type), "Write for example: "+kind.example)
		return
	}
	name := block.Labels[0]
	if looksSecret([]byte(name)) {
		name = notShown
	}
	d.block = addressOf(block.Type, name, "")
	for _, extra := range block.LabelRanges[1:] {
		d.report(extra, "more than one label", fmt.Sprintf("After the word %s stands one label, its %s.", block.Type, kind.label), "")
	}
	d.checkLabel(kind, name, block.LabelRanges[0])
	d.checkDuplicate(kind, name, block.DefRange())
	d.checkBody(kind.body, block.Body)
	kind.store(d, name, block.Body)
}

// decodeUnlabelled is decodeBlock for a kind of which a site has one block.
func (d *decoder) decodeUnlabelled(kind blockKind, block *hclsyntax.Block) {
	d.block = addressOf(block.Type, "", "")
	for _, label := range block.LabelRanges {
		d.report(label, "label not expected", fmt.Sprintf("A %s block has no label: it is for the whole site.", block.Type), "Write: "+kind.example)
	}
	d.checkDuplicate(kind, "", block.DefRange())
	d.checkBody(kind.body, block.Body)
	kind.store(d, "", block.Body)
}

func (d *decoder) checkLabel(kind blockKind, name string, place hcllib.Range) {
	if kind.labels != nil {
		if !slices.Contains(kind.labels, name) {
			d.report(place, fmt.Sprintf("unknown %s %q", kind.label, name),
				fmt.Sprintf("The %ss are %s.", kind.label, list(kind.labels)), didYouMean(name, kind.labels))
		}
		return
	}
	if err := kind.check(name); err != nil {
		d.report(place, "invalid "+kind.label, sentence(err.Error()), "")
	}
}

// checkDuplicate takes note of a block, or reports that there was one before.
func (d *decoder) checkDuplicate(kind blockKind, name string, place hcllib.Range) {
	if kind.single {
		before := slices.IndexFunc(d.config.blocks, func(b declaration) bool { return b.kind == kind.body.kind })
		if before >= 0 {
			d.report(place, fmt.Sprintf("duplicate %s block", kind.body.kind),
				fmt.Sprintf("The first one stands at %s. A site has one %s.", lineOf(d.config.blocks[before].place), kind.noun()), "")
			return
		}
	}
	if first, found := d.config.places[d.block]; found {
		d.report(place, fmt.Sprintf("duplicate %s block %q", kind.body.kind, name),
			fmt.Sprintf("The first one stands at %s. Each %s has one block.", lineOf(first), kind.subject()), "")
		return
	}
	d.config.places[d.block] = place
	d.config.blocks = append(d.config.blocks, declaration{kind.body.kind, name, place})
}

// checkBody reports what is not in the schema.
func (d *decoder) checkBody(schema bodySchema, body *hclsyntax.Body) {
	for name, attr := range body.Attributes {
		if !slices.Contains(schema.attributes, name) {
			d.unknownAttribute(schema, attr)
		}
	}
	seen := map[string]hcllib.Range{}
	for _, block := range body.Blocks {
		i := slices.IndexFunc(schema.blocks, func(s bodySchema) bool { return s.kind == block.Type })
		if i < 0 {
			d.unknownNested(schema, block)
			continue
		}
		if first, found := seen[block.Type]; found {
			d.report(block.DefRange(), fmt.Sprintf("duplicate %s block", block.Type),
				fmt.Sprintf("The first one stands at %s. Each %s has at most one.", lineOf(first), schema.kind), "")
		} else {
			seen[block.Type] = block.DefRange()
		}
		for _, label := range block.LabelRanges {
			d.report(label, "label not expected", fmt.Sprintf("A %s block has no label.", block.Type), "")
		}
		d.checkBody(schema.blocks[i], block.Body)
	}
}

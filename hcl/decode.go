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

	// What expressions refer to.
	scope     *scope
	variables []*variable
	locals    []*local
	fromFlags map[string]string // by the names of variables
	fromFiles map[string]fromFile

	// The block being decoded.
	block        address
	title        string // for the diagnostics
	header       hcllib.Range
	invalidBlock bool // it has an error

	organizations int  // that for_each has made
	incomplete    bool // a file of values could not be read
}

func newDecoder(files sources, w world) *decoder {
	return &decoder{
		config: &Config{sources: files, places: map[address]spot{}}, scope: newScope(w),
		fromFlags: map[string]string{}, fromFiles: map[string]fromFile{},
	}
}

// report adds an error of the block being decoded.
func (d *decoder) report(place hcllib.Range, summary, detail, suggestion string) {
	d.invalidBlock = true
	diag := Diagnostic{Severity: SeverityError, Summary: summary, Detail: detail, Suggestion: suggestion, Block: d.title}
	d.config.sources.locate(&diag, place)
	d.diags = append(d.diags, diag)
}

// hide keeps a place from being shown.
func (d *decoder) hide(place hcllib.Range) {
	if s := d.config.sources.of(place); s != nil {
		s.hideOne(span{place.Start.Byte, place.End.Byte})
	}
}

// blockIsValid tells whether the block being decoded has no error so far.
func (d *decoder) blockIsValid() bool { return !d.invalidBlock }

// decodeFile decodes the blocks that come first, or all the others.
func (d *decoder) decodeFile(body *hclsyntax.Body, first bool) {
	kinds := map[string]blockKind{}
	for _, kind := range blockKinds() {
		kinds[kind.body.kind] = kind
	}
	for _, block := range body.Blocks {
		kind, known := kinds[block.Type]
		if kind.first != first || d.hasSyntaxError(block) {
			continue
		}
		d.block, d.title, d.header, d.invalidBlock = address{}, "", block.DefRange(), false
		if known {
			d.decodeBlock(kind, block)
		} else {
			d.unknownBlock(block, kinds)
		}
	}
	if first {
		return
	}
	d.block, d.title = address{}, ""
	for name, attr := range body.Attributes {
		d.report(attr.NameRange, fmt.Sprintf("attribute %q outside of a block", name),
			"At the top of a file stand blocks only: "+strings.Join(slices.Sorted(maps.Keys(kinds)), ", ")+".", "")
	}
}

func (d *decoder) unknownBlock(block *hclsyntax.Block, kinds map[string]blockKind) {
	if slices.Contains(laterBlocks(), block.Type) {
		d.report(block.DefRange(), fmt.Sprintf("block %q is not available in this build", block.Type),
			"It would have no effect, so it is refused. Remove the block, or run a release that has it.", "")
		return
	}
	names := slices.Sorted(maps.Keys(kinds))
	d.report(block.TypeRange, fmt.Sprintf("unknown block %q", block.Type), "The blocks are "+list(names)+".", didYouMean(block.Type, names))
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
	d.block, d.title = addressOf(block.Type, name, ""), blockTitle(block.Type, name)
	for _, extra := range block.LabelRanges[1:] {
		d.report(extra, "more than one label", fmt.Sprintf("After the word %s stands one label, its %s.", block.Type, kind.label), "")
	}
	d.checkLabel(kind, name, block.LabelRanges[0])
	if _, found := block.Body.Attributes["for_each"]; found && kind.expands {
		d.expand(kind, name, block)
		return
	}
	d.checkDuplicate(kind, name, block.DefRange())
	d.checkBody(kind.body, block.Body)
	kind.store(d, name, block.Body)
}

// decodeUnlabelled is decodeBlock for a kind of which a site has one block.
func (d *decoder) decodeUnlabelled(kind blockKind, block *hclsyntax.Block) {
	d.block, d.title = addressOf(block.Type, "", ""), blockTitle(block.Type, "")
	for _, label := range block.LabelRanges {
		d.report(label, "label not expected", fmt.Sprintf("A %s block has no label: it is for the whole site.", block.Type), "Write: "+kind.example)
	}
	if !kind.many {
		d.checkDuplicate(kind, "", block.DefRange())
	}
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
			fmt.Sprintf("The first one stands at %s. Each %s has one block.", first.where(), kind.subject()), "")
		return
	}
	d.config.places[d.block] = spot{place, d.title}
	d.config.blocks = append(d.config.blocks, declaration{kind.body.kind, name, place})
}

// checkBody reports what is not in the schema.
func (d *decoder) checkBody(schema bodySchema, body *hclsyntax.Body) {
	for name, attr := range body.Attributes {
		if !schema.free && !slices.Contains(schema.attributes, name) {
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

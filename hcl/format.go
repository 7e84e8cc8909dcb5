package hcl

import (
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format returns the text of a file with its spaces in canonical form, and errors
// if it cannot be read; filename is for these. It looks at the syntax alone.
func Format(src []byte, filename string) ([]byte, Diagnostics) {
	d := newDecoder(sources{{name: filename, text: src}}, world{})
	_ = d.parse(d.config.sources[0])
	if d.diags.HasErrors() {
		d.config.sources.order(d.diags)
		return nil, d.diags
	}
	return hclwrite.Format(src), nil
}

// Files returns the files that paths stand for: themselves, and those of a
// directory whose names end in .hcl, in the order of their names.
func Files(paths ...string) ([]string, Diagnostics) {
	var files []string
	var diags Diagnostics
	for _, path := range paths {
		inside, _, err := filesAt(path)
		if err != nil {
			diags = append(diags, cannotRead(path, err))
		}
		files = append(files, inside...)
	}
	return files, diags
}

// ReadFile reads a regular file, of which it takes no more than shows that it is too
// large.
func ReadFile(path string) ([]byte, Diagnostics) {
	text, _, err := read(path, openRegular)
	if err != nil {
		return nil, Diagnostics{cannotRead(path, err)}
	}
	return text, nil
}

package ciphers

// Order returns the suites of a string as OpenSSL has them, insecure ones too, and
// nil where it leaves none.
func Order(s string) ([]uint16, error) {
	p := newParser()
	if err := p.read(s); err != nil {
		return nil, err
	}
	var all []uint16
	for _, m := range p.list {
		if m.active {
			all = append(all, m.id)
		}
	}
	return all, nil
}

// Words returns the words that a string may be made of, and what is said of each of
// them: "keyword", "suite" or "gone".
func Words() map[string]string {
	all := map[string]string{}
	for name, w := range dictionary() {
		all[name] = "suite"
		if w.gone {
			all[name] = "gone"
		}
	}
	for name := range keywords() {
		all[name] = "keyword"
	}
	return all
}

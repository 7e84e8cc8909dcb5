package ciphers

import "slices"

// member is a suite of the list: in it, or only at its place for when it is added.
type member struct {
	suite
	active bool
	named  weakness // what is insecure about it and was named by a term that adds it
}

// list is all suites that were not excluded for good, in the order in which they
// would be added. The operations are those of the manual page; each keeps the order
// of the suites that it moves.
type list []member

func newList() list {
	all := suites()
	l := make(list, len(all))
	for i, s := range all {
		l[i].suite = s
	}
	return l
}

// add puts what is not in yet at the end, and notes what was named of it.
func (l *list) add(a algorithms) {
	l.toEnd(func(m *member) bool {
		if !a.selects(m.suite) {
			return false
		}
		m.named |= a.weaknesses()
		move := !m.active
		m.active = true
		return move
	})
}

// remove takes out what is in; it may come back, and then comes first.
func (l *list) remove(a algorithms) {
	var head, rest list
	for _, m := range *l {
		if m.active && a.selects(m.suite) {
			m.active = false
			head = append(head, m)
		} else {
			rest = append(rest, m)
		}
	}
	*l = append(head, rest...)
}

// exclude takes out for good.
func (l *list) exclude(a algorithms) {
	*l = slices.DeleteFunc(*l, func(m member) bool { return a.selects(m.suite) })
}

// reorder moves what is in to the end.
func (l *list) reorder(a algorithms) {
	l.toEnd(func(m *member) bool { return m.active && a.selects(m.suite) })
}

// sort puts what is in into the order of its strength, the strongest first.
func (l *list) sort() {
	var strengths []int
	for _, m := range *l {
		if m.active && !slices.Contains(strengths, m.bits) {
			strengths = append(strengths, m.bits)
		}
	}
	slices.Sort(strengths)
	slices.Reverse(strengths)
	for _, bits := range strengths {
		l.toEnd(func(m *member) bool { return m.active && m.bits == bits })
	}
}

// toEnd moves those to the end for which moves says so, which is asked once for each
// and may change it.
func (l *list) toEnd(moves func(*member) bool) {
	var stay, tail list
	for _, m := range *l {
		if moves(&m) {
			tail = append(tail, m)
		} else {
			stay = append(stay, m)
		}
	}
	*l = append(stay, tail...)
}

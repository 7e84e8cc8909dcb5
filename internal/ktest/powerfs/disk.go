package powerfs

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
)

// Keep says what a power cut leaves of that which was not fsynced. A disk may do
// any of it.
type Keep int

const (
	// Nothing loses all of it.
	Nothing Keep = iota
	// Beginning keeps a part from the beginning of what was done to each file and
	// directory, and may tear a write.
	Beginning
	// Some keeps any sectors of any write, and a beginning of what was done to
	// each directory.
	Some
)

// sector is what a disk writes whole or not at all.
const sector = 512

// disk is the model: each file as programs see it, and as it is on the platter.
// Modes, owners and times are on the platter at once.
type disk struct {
	mu      sync.Mutex
	root    *inode
	last    uint64 // inode number
	failing func(name string) bool
	failed  int // fsyncs
}

// inode is a file or a directory.
type inode struct {
	number   uint64
	name     string // the last one it was given
	mode     uint32
	uid, gid uint32
	data     []byte // as programs see it
	platter  []byte
	changes  []change // to data, that are not in platter

	entries map[string]*inode // of a directory, as programs see it
	synced  map[string]*inode
	history []map[string]*inode // of entries since it was synced, oldest first
}

// change is a write, or a truncation where data is nil.
type change struct {
	at   int64
	data []byte
}

func newDisk() *disk {
	d := &disk{}
	d.root = d.newInode("", syscall.S_IFDIR|0o700)
	return d
}

func (d *disk) newInode(name string, mode uint32) *inode {
	d.last++
	i := &inode{number: d.last, name: name, mode: mode}
	if i.isDir() {
		i.entries, i.synced = map[string]*inode{}, map[string]*inode{}
	}
	return i
}

func (i *inode) isDir() bool { return i.mode&syscall.S_IFMT == syscall.S_IFDIR }

// apply makes a change to the contents of a file.
func apply(contents []byte, c change) []byte {
	if c.data == nil {
		if c.at <= int64(len(contents)) {
			return contents[:c.at]
		}
		return append(contents, make([]byte, c.at-int64(len(contents)))...)
	}
	if end := c.at + int64(len(c.data)); end > int64(len(contents)) {
		contents = append(contents, make([]byte, end-int64(len(contents)))...)
	}
	copy(contents[c.at:], c.data)
	return contents
}

// change changes what programs see.
func (i *inode) change(c change) {
	i.data = apply(i.data, c)
	i.changes = append(i.changes, c)
}

// enter puts child (none: nil) under a name of a directory.
func (i *inode) enter(name string, child *inode) {
	i.entries = maps.Clone(i.entries)
	if child == nil {
		delete(i.entries, name)
	} else {
		child.name = name
		i.entries[name] = child
	}
	i.history = append(i.history, i.entries)
}

// fsync brings a file or directory onto the platter. When told to fail it does as
// Linux does: what it should have brought is visible still, counts as written, and
// no later fsync tries it again.
func (d *disk) fsync(i *inode) error {
	if i.isDir() {
		i.synced, i.history = i.entries, nil
		return nil
	}
	changes := i.changes
	i.changes = nil
	if d.failing != nil && d.failing(i.name) {
		d.failed++
		return syscall.EIO
	}
	for _, c := range changes {
		i.platter = apply(i.platter, c)
	}
	return nil
}

// cut takes the power away: programs see what is on the platter.
func (d *disk) cut(keep Keep) { d.root.cut(keep) }

func (i *inode) cut(keep Keep) {
	if i.isDir() {
		if n := len(i.history); keep != Nothing && n > 0 {
			if k := rand.IntN(n + 1); k > 0 {
				i.synced = i.history[k-1]
			}
		}
		i.entries, i.history = i.synced, nil
		for _, child := range i.entries {
			child.cut(keep)
		}
		return
	}
	for _, c := range survivors(i.changes, keep) {
		i.platter = apply(i.platter, c)
	}
	i.data, i.changes = slices.Clone(i.platter), nil
}

// survivors returns what reached the platter by chance.
func survivors(changes []change, keep Keep) (left []change) {
	switch keep {
	case Beginning:
		n := rand.IntN(len(changes) + 1)
		left = slices.Clone(changes[:n])
		if n < len(changes) && changes[n].data != nil {
			if size := rand.IntN(len(changes[n].data)); size > 0 {
				left = append(left, change{changes[n].at, changes[n].data[:size]})
			}
		}
	case Some:
		for _, c := range changes {
			if c.data == nil && rand.IntN(2) == 0 {
				left = append(left, c)
			}
			for len(c.data) > 0 {
				n := min(sector-int(c.at%sector), len(c.data))
				if rand.IntN(2) == 0 {
					left = append(left, change{c.at, c.data[:n]})
				}
				c = change{c.at + int64(n), c.data[n:]}
			}
		}
	}
	return left
}

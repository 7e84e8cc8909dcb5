package floor

import (
	"sync"

	"github.com/google/uuid"
)

// job is a put that waits for its group.
type job struct {
	id       uuid.UUID
	contents []byte
	done     chan error
}

// maxGroup bounds the puts of one commit.
const maxGroup = 256

// writer commits puts in groups: those that wait when a commit is done are the
// next.
type writer struct {
	store Store
	jobs  chan job
	idle  sync.WaitGroup
}

func newWriter(store Store) *writer {
	w := &writer{store: store, jobs: make(chan job, maxGroup)}
	w.idle.Go(w.run)
	return w
}

// put returns when the contents are on disk.
func (w *writer) put(id uuid.UUID, contents []byte) error {
	j := job{id, contents, make(chan error, 1)}
	w.jobs <- j
	return <-j.done
}

// close ends the writer; nobody may put any more.
func (w *writer) close() {
	close(w.jobs)
	w.idle.Wait()
}

func (w *writer) run() {
	group := make([]job, 0, maxGroup)
	for first := range w.jobs {
		group = append(group[:0], first)
		for more := true; more && len(group) < maxGroup; {
			select {
			case j, ok := <-w.jobs:
				if more = ok; ok {
					group = append(group, j)
				}
			default:
				more = false
			}
		}
		err := w.store.put(group)
		for _, j := range group {
			j.done <- err
		}
	}
}

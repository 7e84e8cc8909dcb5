package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/ktsd/ktsd/bench/internal/load"
	"github.com/ktsd/ktsd/bench/internal/rig"
	"github.com/ktsd/ktsd/bench/internal/usage"
	"github.com/ktsd/ktsd/internal/cli"
)

// settings are what all measurements can be told.
type settings struct {
	Engine   string        `help:"ktsd's store, and the floor's: sqlite or postgres." enum:"sqlite,postgres" default:"sqlite"`
	Size     int           `help:"Bytes of a deposit." default:"4096"`
	Rounds   int           `help:"Rounds of each figure; the median is shown." default:"3"`
	Duration time.Duration `help:"Length of a round." default:"5s"`
	Warmup   time.Duration `help:"What precedes each round, uncounted." default:"500ms"`
	HTTP     int           `name:"http" help:"Version of HTTP: 1 or 2." enum:"1,2" default:"1"`
	UUID     string        `name:"uuid" help:"Version of the deposits' UUIDs: v7, in the order of time, or v4." enum:"v7,v4" default:"v7"`
	Dir      string        `help:"Where to make a temporary directory (default: that of TMPDIR, or /tmp). It takes some GB, and its disk is what is measured." placeholder:"DIR"`
	Programs string        `help:"Folder of ktsd, ktadmin and keytrustee (default: that of this program)." placeholder:"DIR"`
	JSON     string        `name:"json" help:"Write the figures to this file, too." placeholder:"FILE"`
}

// session is one run of this program.
type session struct {
	settings
	streams *cli.Streams
	work    string // temporary directory
	stops   []func() error
	failed  []string // what went wrong in rounds, for the end
}

// begin makes the session's directory and tells of what would spoil its figures.
func (s settings) begin(streams *cli.Streams) (*session, error) {
	if s.Programs == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		s.Programs = filepath.Dir(self)
	}
	work, err := os.MkdirTemp(s.Dir, "ktsd-bench-")
	if err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	b := &session{settings: s, streams: streams, work: work}
	b.defers(func() error { return os.RemoveAll(work) })
	return b, os.Chmod(work, 0o755) // PostgreSQL's account enters it
}

// defers has end call f.
func (b *session) defers(f func() error) { b.stops = append(b.stops, f) }

// end undoes everything, last first.
func (b *session) end() error { return b.endTo(0) }

// endTo undoes what was begun after the first n.
func (b *session) endTo(n int) error {
	var errs []error
	for _, f := range slices.Backward(b.stops[n:]) {
		errs = append(errs, f())
	}
	b.stops = b.stops[:n]
	return errors.Join(errs...)
}

// progress tells what happens, on standard error.
func (b *session) progress(format string, args ...any) {
	fmt.Fprintf(b.streams.Err, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// newID makes a deposit's UUID.
func (b *session) newID() (uuid.UUID, error) {
	if b.UUID == "v4" {
		return uuid.NewRandom()
	}
	return uuid.NewV7()
}

// postgres starts a cluster, where the engine asks for one.
func (b *session) postgres(ctx context.Context, name string) (*rig.Postgres, error) {
	if b.Engine != "postgres" {
		return nil, nil
	}
	dir := filepath.Join(b.work, "pg-"+name)
	b.defers(func() error { return os.RemoveAll(dir) })
	p, err := rig.NewPostgres(ctx, dir)
	if err != nil {
		return nil, err
	}
	b.defers(p.Stop)
	return p, nil
}

// ktsd starts a ktsd with its clients.
func (b *session) ktsd(ctx context.Context, name string, organizations, clients int) (*rig.Ktsd, error) {
	postgres, err := b.postgres(ctx, name)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(b.work, name)
	b.defers(func() error { return os.RemoveAll(dir) })
	k, err := rig.NewKtsd(ctx, rig.Options{
		Programs: b.Programs, Dir: dir, Postgres: postgres,
		Organizations: organizations, Clients: clients, HTTP2: b.HTTP == 2,
	})
	if err != nil {
		return nil, err
	}
	b.defers(k.Stop)
	return k, nil
}

// floor starts a floor for the clients of k.
func (b *session) floor(ctx context.Context, k *rig.Ktsd) (*rig.Floor, error) {
	postgres, err := b.postgres(ctx, "floor")
	if err != nil {
		return nil, err
	}
	f, err := rig.NewFloor(ctx, k, filepath.Join(b.work, "floor"), postgres)
	if err != nil {
		return nil, err
	}
	b.defers(f.Stop)
	return f, nil
}

// round measures one round and notes its errors.
func (b *session) round(ctx context.Context, s *rig.Server, w load.Work) (sample, error) {
	got, failed, err := measure(ctx, s, w)
	for _, text := range failed {
		b.failed = append(b.failed, s.Name+": "+text)
	}
	return got, err
}

// verdict is an error if any answer was wrong: what was measured then is not what
// the figures say.
func (b *session) verdict() error {
	if len(b.failed) == 0 {
		return nil
	}
	slices.Sort(b.failed)
	text := "requests failed, and the figures are worth nothing:"
	for _, f := range slices.Compact(b.failed) {
		text += "\n  " + f
	}
	return errors.New(text)
}

// machine is what the figures were measured on.
type machine struct {
	CPUs       int     `json:"cpus"`
	Go         string  `json:"go"`
	Kernel     string  `json:"kernel"`
	FileSystem string  `json:"file_system"`
	Fdatasync  float64 `json:"fdatasync_us"` // of 8 KB, the median
	Load       float64 `json:"load_average"` // of the minute before
	Time       string  `json:"time"`
}

// inspect finds out about the machine, and warns of what would spoil figures.
func (b *session) inspect() (machine, error) {
	m := machine{CPUs: runtime.NumCPU(), Go: runtime.Version(), Time: time.Now().UTC().Format(time.RFC3339)}
	var name syscall.Utsname
	if err := syscall.Uname(&name); err == nil {
		for _, c := range name.Release {
			if c == 0 {
				break
			}
			m.Kernel += string(rune(c))
		}
	}
	var err error
	if m.FileSystem, err = fileSystem(b.work); err != nil {
		return m, err
	}
	if m.Fdatasync, err = fdatasync(b.work); err != nil {
		return m, err
	}
	if m.Load, err = usage.Load(); err != nil {
		return m, err
	}
	if m.FileSystem == "tmpfs" {
		b.progress("warning: %s is in memory, where a durable write costs nothing: name a directory on a disk with --dir", b.work)
	}
	if m.Load > 0.3*float64(m.CPUs) {
		b.progress("warning: the machine is busy (load average %.1f on %d processors): rates and latencies will suffer, "+
			"processor time per request and ratios less; better wait until it is quiet", m.Load, m.CPUs)
	}
	return m, nil
}

// fileSystem returns the kind of file system that a directory is on, as far as it
// matters.
func fileSystem(dir string) (string, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return "", err
	}
	names := map[int64]string{0x01021994: "tmpfs", 0x858458f6: "ramfs", 0xef53: "ext4", 0x58465342: "xfs", 0x9123683e: "btrfs", 0x794c7630: "overlay", 0x2fc12fc1: "zfs"}
	if n, ok := names[int64(st.Type)]; ok {
		return n, nil
	}
	return fmt.Sprintf("%#x", st.Type), nil
}

// fdatasync returns how many microseconds 8 KB take to the disk: the least that a
// commit waits.
func fdatasync(dir string) (float64, error) {
	f, err := os.Create(filepath.Join(dir, "fdatasync"))
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := make([]byte, 8<<10)
	var took []float64
	for i := range 200 {
		started := time.Now()
		if _, err := f.WriteAt(block, int64(i%8)*int64(len(block))); err != nil {
			return 0, err
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return 0, err
		}
		took = append(took, float64(time.Since(started).Nanoseconds())/1e3)
	}
	return middle(took), nil
}

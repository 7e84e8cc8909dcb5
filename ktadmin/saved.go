package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/ktsd/ktsd/hcl"
	"github.com/ktsd/ktsd/internal/cli"
	"github.com/ktsd/ktsd/internal/confdir"
	"github.com/ktsd/ktsd/internal/fault"
	"github.com/ktsd/ktsd/internal/plan"
	"github.com/ktsd/ktsd/internal/safefile"
)

// savedPlan is a plan that was saved, as what is wanted.
type savedPlan struct {
	file string
	plan.Saved
}

// readPlan reads a plan that savePlan wrote. Nobody else may have written there:
// what it says is carried out.
func readPlan(file string) (*savedPlan, error) {
	f, info, err := safefile.OpenRegular(file)
	if err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	defer f.Close()
	owner := int(info.Sys().(*syscall.Stat_t).Uid)
	if info.Mode().Perm()&0o077 != 0 || owner != os.Geteuid() {
		return nil, fault.New(fault.Denied, "%s cannot be used: a plan is carried out unasked, so it has to be a file of whoever applies it, of mode 0600", file).
			WithHint("make the plan anew, as the one who applies it")
	}
	data, err := io.ReadAll(io.LimitReader(f, plan.MaxSaved+1))
	if err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	saved, err := plan.ParseSaved(data)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s cannot be used: %v", file, err)
	}
	return &savedPlan{file, saved}, nil
}

// savePlan writes a plan for apply to carry out, with mode 0600.
func (h *host) savePlan(file string, c comparison) error {
	conf, err := h.conf()
	if err != nil {
		return err
	}
	origin, err := originOf(conf)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(file); err == nil {
		if _, err := readPlan(file); err != nil {
			return fault.New(fault.Conflict, "%s exists and is no plan of yours", file).WithHint("give a file that is not there, or one that holds an older plan")
		}
	}
	files, err := witnesses(filesOf(h.dir, c.desired))
	if err != nil {
		return err
	}
	data, err := plan.Save(cli.Version, origin, c.desired, c.Plan, files)
	if err != nil {
		return err
	}
	return safefile.Write(file, data, 0o600)
}

// desired implements wish.
func (s *savedPlan) desired(_ context.Context, dir confdir.Dir, conf confdir.Conf) (plan.Desired, *hcl.Config, hcl.Diagnostics, error) {
	d, config := s.Saved.Desired, &hcl.Config{}
	origin, err := originOf(conf)
	if err != nil {
		return d, config, nil, err
	}
	if d.Confdir != otherThanDefault(dir) {
		return d, config, nil, fault.New(fault.Conflict, "%s was made for the directory %s, and this is %s", s.file, cmp.Or(d.Confdir, confdir.Default), dir).
			WithHint("give --confdir as plan had it, or make the plan anew")
	}
	if origin != s.Origin {
		return d, config, nil, fault.New(fault.Conflict, "%s was made on host %s for the server %s, and this is %s, %s", s.file, s.Node, s.Fingerprint, origin.Node, origin.Fingerprint).
			WithHint("make the plan on this host")
	}
	diags := resolve(&d, dir, config)
	return d, config, diags, nil
}

// originOf tells this host's server from any other.
func originOf(conf confdir.Conf) (plan.Origin, error) {
	node, err := conf.Node()
	return plan.Origin{Node: node, Fingerprint: conf.LocalFingerprint}, err
}

// check refuses a plan that is no longer what would be done now.
func (s *savedPlan) check(dir confdir.Dir, now comparison) error {
	files, err := witnesses(filesOf(dir, now.desired))
	if err != nil {
		return err
	}
	for _, was := range s.Files {
		if !slices.Contains(files, was) {
			return s.moved("the file %s was changed", was.Path)
		}
	}
	if len(files) != len(s.Files) {
		return s.moved("there is a file more")
	}
	still, err := s.Still(now.Plan)
	if err != nil {
		return err
	}
	if !still {
		return s.moved("what differs on %s is something else now", now.Host)
	}
	return nil
}

func (s *savedPlan) moved(format string, args ...any) error {
	return fault.New(fault.Conflict, "%s no longer holds: since it was made, %s; nothing was changed", s.file, fmt.Sprintf(format, args...)).
		WithHint("make the plan anew, look at it, and apply that")
}

// filesOf names the files on this host that a plan depends on.
func filesOf(dir confdir.Dir, d plan.Desired) []string {
	var files []string
	if s := d.Server; s != nil {
		files = append(files, cmp.Or(s.TLS.Certificate, dir.Certificate()), cmp.Or(s.TLS.PrivateKey, dir.PrivateKey()), cmp.Or(s.TLS.CAChain, dir.CertificateChain()))
		if program, _ := s.TLS.PasswordProgram(); program != "" {
			files = append(files, program)
		}
	}
	if d.Database != nil && d.Database.URLFile != "" {
		files = append(files, d.Database.URLFile)
	}
	for _, org := range d.Organizations {
		if org.AuthCodeFile != "" {
			files = append(files, org.AuthCodeFile)
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// witnesses looks at the files that are there.
func witnesses(files []string) ([]plan.Witness, error) {
	found := []plan.Witness{}
	for _, path := range files {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		stat := info.Sys().(*syscall.Stat_t)
		found = append(found, plan.Witness{
			Path: filepath.Clean(path), Size: info.Size(), Modified: info.ModTime().UnixNano(), Changed: stat.Ctim.Nano(), Inode: stat.Ino,
		})
	}
	return found, nil
}

// otherThanDefault is a directory as plans name it: the default one is not named.
func otherThanDefault(dir confdir.Dir) string {
	if dir == confdir.Default {
		return ""
	}
	return string(dir)
}

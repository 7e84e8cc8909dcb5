// Package usage tells what processes have used of processor and memory, from
// proc(5). It knows Linux only.
package usage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// tick is the unit of times in proc(5): USER_HZ is 100 wherever Go runs on Linux.
const tick = 10 * time.Millisecond

// stat is what is needed of /proc/PID/stat.
type stat struct {
	pid, parent int
	own         time.Duration // user and system
	waited      time.Duration // of children that have ended and were waited for
}

func readStat(pid string) (stat, error) {
	data, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return stat{}, err
	}
	return parseStat(data)
}

// parseStat reads a line of proc(5). The program's name, in parentheses, may hold
// anything.
func parseStat(data []byte) (stat, error) {
	bad := errors.New("/proc: a stat file is not as proc(5) tells")
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || end < open {
		return stat{}, bad
	}
	fields := bytes.Fields(data[end+1:]) // from field 3 on
	if len(fields) < 15 {
		return stat{}, bad
	}
	var n [5]int64
	for i, at := range []int{4 - 3, 14 - 3, 15 - 3, 16 - 3, 17 - 3} {
		var err error
		if n[i], err = strconv.ParseInt(string(fields[at]), 10, 64); err != nil {
			return stat{}, bad
		}
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(data[:open])))
	if err != nil {
		return stat{}, bad
	}
	return stat{pid: pid, parent: int(n[0]), own: time.Duration(n[1]+n[2]) * tick, waited: time.Duration(n[3]+n[4]) * tick}, nil
}

// Tree returns the processor time of a process and of all below it, those included
// that have ended: a database has a process for each connection, and they come and
// go.
func Tree(pid int) (time.Duration, error) {
	for range 20 {
		before, err := readStat(strconv.Itoa(pid))
		if err != nil {
			return 0, fmt.Errorf("the processor time of process %d: %w", pid, err)
		}
		below, err := descendants(pid)
		if err != nil {
			return 0, err
		}
		after, err := readStat(strconv.Itoa(pid))
		if err != nil {
			return 0, fmt.Errorf("the processor time of process %d: %w", pid, err)
		}
		if after.waited == before.waited { // else one ended meanwhile, and counts twice or not at all
			return after.own + after.waited + below, nil
		}
	}
	return 0, fmt.Errorf("the processor time of process %d: its children end faster than they can be counted", pid)
}

// descendants returns the processor time of all processes below pid.
func descendants(pid int) (time.Duration, error) {
	files, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	children := map[int][]stat{}
	for _, file := range files {
		if s, err := readStat(filepath.Base(file)); err == nil { // it may have ended
			children[s.parent] = append(children[s.parent], s)
		}
	}
	var sum time.Duration
	for next := []int{pid}; len(next) > 0; next = next[1:] {
		for _, s := range children[next[0]] {
			sum += s.own + s.waited
			next = append(next, s.pid)
		}
	}
	return sum, nil
}

// Self returns the processor time of this process.
func Self() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// RSS returns the memory of a process that is in RAM now, and the most that it
// ever was, in bytes.
func RSS(pid int) (now, most int64, err error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range bytes.Lines(data) {
		fields := bytes.Fields(line)
		if len(fields) != 3 || string(fields[2]) != "kB" {
			continue
		}
		kb, _ := strconv.ParseInt(string(fields[1]), 10, 64)
		switch string(fields[0]) {
		case "VmRSS:":
			now = kb << 10
		case "VmHWM:":
			most = kb << 10
		}
	}
	if now == 0 {
		return 0, 0, fmt.Errorf("/proc/%d/status tells no VmRSS", pid)
	}
	return now, most, nil
}

// Load returns the load average of the last minute.
func Load() (float64, error) {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, err
	}
	first, _, _ := bytes.Cut(data, []byte(" "))
	return strconv.ParseFloat(string(first), 64)
}

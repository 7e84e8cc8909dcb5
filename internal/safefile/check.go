package safefile

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// CheckSecret returns an error if a file that is there can be read or written by
// its group or others, or belongs to another account.
func CheckSecret(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return ifThere(err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%s is a secret, but its mode is %04o: run chmod 600 %s", path, mode, path)
	}
	return checkOwner(path, info)
}

// CheckDirectory returns an error if a directory that is there can be written by
// others, or belongs to another account.
func CheckDirectory(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return ifThere(err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", path)
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("directory %s can be written by others, its mode is %04o: run chmod 700 %s", path, mode, path)
	}
	return checkOwner(path, info)
}

// checkOwner lets root take what is anybody's; others only what is their own, and
// root's as far as its mode lets them in.
func checkOwner(path string, info fs.FileInfo) error {
	owner, me := int(info.Sys().(*syscall.Stat_t).Uid), os.Geteuid()
	if me == 0 || owner == me || owner == 0 && info.Mode()&0o005 == 0o005 {
		return nil
	}
	return fmt.Errorf("%s belongs to user %s, and this runs as user %s: run chown %[3]s %[1]s", path, userName(owner), userName(me))
}

// userName is the name of an account, or its number where it has none.
func userName(uid int) string {
	number := strconv.Itoa(uid)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return number
}

func ifThere(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

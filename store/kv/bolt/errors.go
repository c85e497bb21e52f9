package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"runtime/debug"
	"syscall"

	"muster/store/kv"
)

// visitorPanic carries a panic of the caller's own code past guard.
type visitorPanic struct{ value any }

func call(visit func(key, value []byte) bool, k, v []byte) bool {
	defer func() {
		if r := recover(); r != nil {
			if fault, ok := r.(runtime.Error); ok && isFault(fault) {
				panic(r)
			}
			panic(visitorPanic{r})
		}
	}()
	return visit(k, v)
}

func isFault(err runtime.Error) bool {
	_, ok := err.(interface{ Addr() uintptr })
	return ok
}

// guard turns a panic of bbolt, or a read beyond the end of the file, into an
// error about the file. Use it deferred, before anything reads.
func guard(path string, err *error, then func()) {
	r := recover()
	if r == nil {
		return
	}
	if foreign, ok := r.(visitorPanic); ok {
		panic(foreign.value)
	}
	if then != nil {
		then()
	}
	*err = damaged(path, "%v", r)
}

func damaged(path, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %w; restore it from a backup, and keep this one for a look", kv.ErrDamaged, path, fmt.Errorf(format, args...))
}

// sentence says what the operating system refused and what to do about it.
func sentence(verb, path string, err error) error {
	hint := ""
	var same *fs.PathError
	if errors.As(err, &same) && same.Path == path {
		err = same.Err
	}
	switch {
	case errors.Is(err, kv.ErrFull), errors.Is(err, kv.ErrBroken), errors.Is(err, kv.ErrDamaged), errors.Is(err, kv.ErrInUse):
		return err
	case errors.Is(err, syscall.EROFS):
		hint = "; the disk is mounted read-only: mount it for writing, or name another file"
	case errors.Is(err, fs.ErrPermission):
		hint = "; let this user read and write the file and its folder, or name another file"
	case errors.Is(err, fs.ErrNotExist):
		hint = "; create the folder first, or name another file"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %s %s: %w; make room and start again", kv.ErrFull, verb, path, err)
	}
	return fmt.Errorf("%s %s: %w%s", verb, path, err, hint)
}

// faults makes reads beyond the end of a mapped file panic instead of ending
// the program, until the returned function is called.
func faults() func() {
	old := debug.SetPanicOnFault(true)
	return func() { debug.SetPanicOnFault(old) }
}

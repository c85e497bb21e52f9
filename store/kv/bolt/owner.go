package bolt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"muster/store/kv"
)

// ownerSuffix names the file beside the store that says who has it open. Its
// lock is what keeps a second process out: unlike the store itself it is never
// replaced, so the lock always means the same.
const ownerSuffix = ".owner"

// retry is how often a lock that another process holds is tried again.
const retry = 20 * time.Millisecond

type owner struct{ file *os.File }

type ownerNote struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
}

// own takes the lock, waiting up to timeout, and notes this process.
func own(path string, timeout time.Duration) (*owner, error) {
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, sentence("open", path, err)
	}
	f, err := os.OpenFile(path+ownerSuffix, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, sentence("open", path+ownerSuffix, err)
	}
	for end := time.Now().Add(timeout); ; time.Sleep(retry) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(sentence("lock", path+ownerSuffix, err), f.Close())
		}
		if !time.Now().Before(end) {
			return nil, errors.Join(fmt.Errorf("%w: %s is held by %s; end that process, or name another file", kv.ErrInUse, path, holder(f)), f.Close())
		}
	}
	o := &owner{f}
	host, err := os.Hostname()
	if err != nil {
		host = "this host"
	}
	if err := o.write(ownerNote{os.Getpid(), host, time.Now().UTC().Truncate(time.Second)}); err != nil {
		return nil, errors.Join(sentence("write", path+ownerSuffix, err), o.release())
	}
	return o, nil
}

func (o *owner) write(note ownerNote) error {
	b, err := json.Marshal(note)
	if err != nil {
		return err
	}
	if err := o.file.Truncate(0); err != nil {
		return err
	}
	_, err = o.file.WriteAt(append(b, '\n'), 0)
	return err
}

// holder reads the note; the one who holds the lock may just be writing it.
func holder(f io.ReaderAt) string {
	var note ownerNote
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 4096))
	if err != nil || json.Unmarshal(b, &note) != nil {
		return "another process"
	}
	return fmt.Sprintf("process %d on %s since %s", note.PID, note.Host, note.Since.Format(time.RFC3339))
}

// release empties the note and lets go of the lock. The file stays, because
// removing a file that others may be waiting to lock would let two in.
func (o *owner) release() error {
	err := o.file.Truncate(0)
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return errors.Join(err, o.file.Close())
}

package ledger

import "time"

// Sweep looks which of the files are still at their path and forgets those that have
// been away for seven days. It returns the forgotten ones that hadn't been sent to the
// end. It must not be called while the watched folder itself is away.
func (l *Ledger) Sweep(now time.Time) (unsent []*File, err error) {
	type seen struct {
		f      *File
		path   Name
		inode  uint64
		absent int64
		unsent bool
	}
	l.mu.Lock()
	places := make([]seen, 0, len(l.files))
	for _, f := range l.files {
		places = append(places, seen{f, f.Path, f.Stat.Inode, f.Absent, f.Status == Pending})
	}
	l.mu.Unlock()

	for _, p := range places {
		there := inodeAt(string(p.path)) == p.inode
		switch {
		case there && p.absent != 0:
			err = l.setAbsent(p.f, p.path, 0)
		case !there && p.absent == 0:
			err = l.setAbsent(p.f, p.path, now.Unix())
		case !there && now.Sub(time.Unix(p.absent, 0)) > remember:
			if p.unsent {
				unsent = append(unsent, p.f)
			}
			err = l.Forget(p.f)
		}
		if err != nil {
			return unsent, err
		}
	}
	return unsent, nil
}

func (l *Ledger) setAbsent(f *File, path Name, since int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.files[f.ID] != f || f.Path != path {
		return nil // it has moved on meanwhile
	}
	_, err := l.update(f, func(f *File) { f.Absent = since })
	return err
}

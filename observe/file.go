package observe

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// JSONLines returns a function that writes records to w as JSON, each with one Write.
func JSONLines(w io.Writer) func(context.Context, slog.Record) error {
	options := &slog.HandlerOptions{ReplaceAttr: auditAttr}
	return func(ctx context.Context, r slog.Record) error {
		var line bytes.Buffer
		// A handler for each line, as those who share one would wait for each other's Write.
		if err := slog.NewJSONHandler(&line, options).Handle(ctx, r); err != nil {
			return err
		}
		_, err := w.Write(line.Bytes())
		return err
	}
}

// auditAttr leaves out the level, which is always the same, and gives durations in a unit that programs can add up.
func auditAttr(groups []string, a slog.Attr) slog.Attr {
	switch {
	case len(groups) > 0:
	case a.Key == slog.LevelKey:
		return slog.Attr{}
	case a.Key == slog.MessageKey:
		a.Key = "event"
	case a.Value.Kind() == slog.KindDuration:
		return slog.Float64(a.Key+"_ms", float64(a.Value.Duration())/float64(time.Millisecond))
	}
	return a
}

// File is a file of whole lines, to which lines are added and that nothing is ever taken from.
type File struct {
	path   string
	synced bool

	mu   sync.Mutex
	open *openFile // nil before the first line
	torn bool      // the last line was written in part

	written atomic.Uint64 // lines

	syncing sync.Mutex // taken after mu, where both are
	safe    uint64     // lines up to this one are on the disk
	lost    uint64     // lines up to this one may not be, for lostBy
	lostBy  error
}

type openFile struct {
	*os.File
	info fs.FileInfo
}

// NewFile returns the file at path. It is opened with the first line or by Open, for its owner alone; when it was moved or removed
// since the line before, a new one is made in its place. With synced, a line counts as written when it is on the disk;
// lines that come together share that wait.
func NewFile(path string, synced bool) *File { return &File{path: path, synced: synced} }

// Open opens the file before its first line, so that a path where none can be made is known at once.
func (f *File) Open() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.find(); err != nil {
		return fmt.Errorf("audit file: %w", err)
	}
	return nil
}

// Write implements io.Writer. A line that it returns an error for is not in the file, or not for sure.
func (f *File) Write(line []byte) (int, error) {
	to, number, err := f.add(line)
	if err == nil && f.synced {
		err = f.sync(to, number)
	}
	if err != nil {
		return 0, fmt.Errorf("audit file: %w", err)
	}
	return len(line), nil
}

func (f *File) add(line []byte) (*openFile, uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.find(); err != nil {
		return nil, 0, err
	}
	if f.torn { // what comes next must not become part of it
		line = append([]byte("\n"), line...)
	}
	n, err := f.open.Write(line)
	if err != nil {
		f.torn = f.torn || n > 0
		return nil, 0, err
	}
	f.torn = false
	return f.open, f.written.Add(1), nil
}

// find opens the file unless the one that is open is still there.
func (f *File) find() error {
	if f.open != nil {
		if now, err := os.Stat(f.path); err == nil && os.SameFile(now, f.open.info) {
			return nil
		}
		f.leave()
	}
	// A pipe that nobody reads is to fail: opening it would otherwise wait for a reader, and every call with it.
	opened, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	info, err := opened.Stat()
	if err != nil {
		_ = opened.Close()
		return err
	}
	f.open, f.torn = &openFile{opened, info}, false
	return nil
}

// leave closes the file that was moved away, once its lines are safe.
func (f *File) leave() {
	f.syncing.Lock()
	defer f.syncing.Unlock()
	if f.synced {
		f.note(f.written.Load(), f.open.sync())
	}
	_ = f.open.Close() // what can go wrong with the lines, sync has told
	f.open = nil
}

// sync returns when the line of this number is on the disk. Whoever has to wait for another's sync finds their line in
// it, or is the one to sync next, for all who came meanwhile.
func (f *File) sync(in *openFile, number uint64) error {
	f.syncing.Lock()
	defer f.syncing.Unlock()
	if number > f.safe && number > f.lost {
		f.note(f.written.Load(), in.sync())
	}
	if number <= f.lost {
		return f.lostBy
	}
	return nil
}

// note remembers how far the file is safe. What a failed sync was for is lost for good: the system may have dropped it,
// and the next sync would not tell.
func (f *File) note(reached uint64, err error) {
	if err != nil {
		f.lost, f.lostBy = reached, err
		return
	}
	f.safe = reached
}

// sync does nothing for a pipe or a device, which have no disk to wait for.
func (o *openFile) sync() error {
	if !o.info.Mode().IsRegular() {
		return nil
	}
	return o.Sync()
}

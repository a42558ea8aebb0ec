package dataverse

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// disk keeps metadata between starts: a file for each environment, user and language.
type disk struct {
	dir         string // "" for none
	environment string // service root
	log         *slog.Logger

	swept   bool // files of no more use were looked for
	refused bool // writing has failed, and that was told
}

// kept is what a file holds.
type kept struct {
	stamp  string
	tables map[string]entry[*directory]
	table  map[string]entry[*heldTable]
}

const (
	// diskFormat changes with the lines of the file and with the types in them.
	diskFormat = 1
	// maxDiskFile bounds a file in bytes. 150 tables of the size of account fit.
	maxDiskFile = 16 << 20
	// filePrefix begins the names of all files, behind a dot while they are written.
	filePrefix = "metadata-"
)

// diskHeader is the first line of a file: what the file is for. A file that says something else is not read.
type diskHeader struct {
	Format      int    `json:"format"`
	Environment string `json:"environment"`
	owner
	Stamp string `json:"stamp"`
}

// listedTables is the line of the list of tables.
type listedTables struct {
	Tables []TableInfo
	IDs    map[string]string
}

// path is the file of a user.
func (d *disk) path(who owner) string {
	name, _ := json.Marshal(diskHeader{Format: diskFormat, Environment: d.environment, owner: who})
	hash := sha256.Sum256(name)
	return filepath.Join(d.dir, filePrefix+hex.EncodeToString(hash[:16])+".jsonl")
}

// load reads what the file of a user holds: nothing where there is none, or none that can be read.
func (d *disk) load(who owner, now time.Time) kept {
	nothing := kept{tables: map[string]entry[*directory]{}, table: map[string]entry[*heldTable]{}}
	if d.dir == "" {
		return nothing
	}
	file, err := os.Open(d.path(who))
	if err != nil {
		return nothing
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxDiskFile+1))
	if err != nil || len(text) > maxDiskFile {
		return nothing
	}
	k, err := readKept(text, diskHeader{Format: diskFormat, Environment: d.environment, owner: who}, now)
	if err != nil {
		d.log.Info("metadata on disk is not used", "error", err.Error())
		return nothing
	}
	return k
}

// readKept reads a file that is meant for want. Each line after the first is a table's name ("" for the list of tables),
// the time it was fetched at and its JSON, with tabs between. Tables are read when they are asked for.
func readKept(text []byte, want diskHeader, now time.Time) (kept, error) {
	k := kept{tables: map[string]entry[*directory]{}, table: map[string]entry[*heldTable]{}}
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	var header diskHeader
	if err := json.Unmarshal(first, &header); err != nil {
		return k, err
	}
	k.stamp, header.Stamp = header.Stamp, ""
	if header != want || k.stamp == "" {
		return k, errors.New("it is of another format, environment or user")
	}
	for line := range bytes.Lines(rest) {
		line, whole := bytes.CutSuffix(line, []byte("\n"))
		name, line, ok := bytes.Cut(line, []byte("\t"))
		at, text, ok2 := bytes.Cut(line, []byte("\t"))
		fetched, err := time.Parse(time.RFC3339, string(at))
		if !whole || !ok || !ok2 || err != nil {
			return k, errors.New("a line is broken")
		}
		if age := now.Sub(fetched); age < 0 || age >= maxMetadataAge {
			continue
		}
		if len(name) > 0 {
			k.table[string(name)] = entry[*heldTable]{value: heldText(string(name), text), fetched: fetched}
			continue
		}
		var list listedTables
		if err := json.Unmarshal(text, &list); err != nil {
			return k, err
		}
		k.tables[""] = entry[*directory]{value: newDirectory(list.Tables, list.IDs), fetched: fetched}
	}
	return k, nil
}

// heldText is a table as it stands on disk.
func heldText(name string, text []byte) *heldTable {
	return &heldTable{text: text, read: sync.OnceValues(func() (tableParts, error) {
		var parts tableParts
		if err := json.Unmarshal(text, &parts); err != nil {
			return parts, err
		}
		byName := func(a, b Column) int { return strings.Compare(a.LogicalName, b.LogicalName) }
		if t := parts.Table; t == nil || t.LogicalName != name || !slices.IsSortedFunc(t.Columns, byName) {
			return parts, errors.New("the table is another one, or its columns are out of order")
		}
		return parts, nil
	})}
}

// save writes the file of a user in one step, so that whoever reads it meanwhile has the old one or the new. It may not
// be called concurrently.
func (d *disk) save(who owner, k kept) {
	err := func() error {
		text, err := k.text(diskHeader{Format: diskFormat, Environment: d.environment, owner: who, Stamp: k.stamp})
		if err != nil {
			return err
		}
		if err := os.MkdirAll(d.dir, 0o700); err != nil {
			return err
		}
		if !d.swept {
			d.swept = true
			d.sweep(time.Now())
		}
		return replaceFile(d.path(who), text)
	}()
	if err != nil && !d.refused {
		d.refused = true
		d.log.Info("metadata is not kept on disk", "error", err.Error())
	}
}

// sweep removes files that nobody has written to for so long that all in them is too old, and what a process left behind
// that ended while it wrote.
func (d *disk) sweep(now time.Time) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(strings.TrimPrefix(e.Name(), "."), filePrefix) {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > maxMetadataAge {
			_ = os.Remove(filepath.Join(d.dir, e.Name())) // another process may have been faster
		}
	}
}

// text is the file's text, without the tables fetched first where all would be too many.
func (k kept) text(header diskHeader) ([]byte, error) {
	b, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	b = append(b, '\n')
	for name, e := range k.tables {
		list, err := json.Marshal(listedTables{Tables: e.value.tables, IDs: e.value.ids})
		if err != nil {
			return nil, err
		}
		b = appendHeld(b, name, e.fetched, list)
	}
	names := slices.SortedFunc(maps.Keys(k.table), func(x, y string) int {
		return cmp.Or(k.table[y].fetched.Compare(k.table[x].fetched), strings.Compare(x, y))
	})
	for _, name := range names {
		e := k.table[name]
		longer := appendHeld(b, name, e.fetched, e.value.text)
		if len(longer) > maxDiskFile {
			break
		}
		b = longer
	}
	return b, nil
}

func appendHeld(b []byte, name string, fetched time.Time, text []byte) []byte {
	b = append(append(b, name...), '\t')
	b = append(fetched.UTC().AppendFormat(b, time.RFC3339Nano), '\t')
	return append(append(b, text...), '\n')
}

// replaceFile puts a file that only the user may read in the place of the one at path.
func replaceFile(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

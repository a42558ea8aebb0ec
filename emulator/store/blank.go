package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"modernc.org/sqlite"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// blankSource is a database in memory with the tables of the embedded schema and nothing in them. To create a thousand
// tables and indexes takes far longer than to copy them, and tests open hundreds of databases.
const blankSource = "file:/blank?vfs=memdb"

// blank makes it, once a process: it lives as long as the connection to it.
var blank = sync.OnceValues(func() (*sql.DB, error) {
	handle, err := sql.Open("sqlite", blankSource)
	if err != nil {
		return nil, err
	}
	handle.SetMaxOpenConns(1)
	if err := create(context.Background(), handle, schema.Load()); err != nil {
		return nil, errors.Join(err, handle.Close())
	}
	return handle, nil
})

// copyBlank fills an empty database.
func (d *DB) copyBlank(ctx context.Context) error {
	if _, err := blank(); err != nil {
		return err
	}
	connection, err := d.sql.Conn(ctx)
	if err != nil {
		return err
	}
	err = connection.Raw(func(driver any) error {
		to, ok := driver.(interface {
			NewRestore(source string) (*sqlite.Backup, error)
		})
		if !ok {
			return fmt.Errorf("got a connection of type %T, want one of SQLite", driver)
		}
		backup, err := to.NewRestore(blankSource)
		if err != nil {
			return err
		}
		_, err = backup.Step(-1)
		return errors.Join(err, backup.Finish())
	})
	return errors.Join(err, connection.Close())
}

package dataverse

import (
	"io"
	"strconv"
)

// readPage reads {"value":[…]} as it comes. A page may hold 5,000 rows, so it is gone over once, row by row: maps would
// cost more and lose the order of columns.
func readPage(body io.Reader, s *shape) (page, error) {
	p := page{count: -1, counted: -1}
	r := newRowReader(&scanner{from: body}, &texts{}, s)
	var name string
	closed := false
	err := r.whole(func() (err error) {
		closed, err = r.enter()
		return err
	})
	for err == nil && !closed {
		err = r.whole(func() error {
			text, err := r.key()
			name = string(text)
			return err
		})
		switch {
		case err != nil:
		case name == "value":
			p.rows, err = r.list(r.whole)
			p.deleted = r.deleted
		default:
			err = r.whole(func() error { return p.note(r.scanner, name) })
		}
		if err == nil {
			err = r.whole(func() (err error) {
				closed, err = r.close('}')
				return err
			})
		}
	}
	if err == nil {
		err = r.end()
	}
	return p, err
}

// note reads what is told beside the rows.
func (p *page) note(s *scanner, name string) error {
	value, first, err := s.scalar()
	if err != nil {
		return err
	}
	text := string(value)
	switch name {
	case "@odata.nextLink":
		if first == '"' {
			p.nextLink = text
		}
	case "@odata.deltaLink":
		if first == '"' {
			p.deltaLink = text
		}
	case "@odata.count":
		p.count, err = strconv.ParseInt(text, 10, 64)
	case "@Microsoft.Dynamics.CRM.morerecords":
		p.more = text == "true"
	case "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie":
		if first == '"' {
			p.cookie = text
		}
	case "@Microsoft.Dynamics.CRM.totalrecordcount":
		p.counted, err = strconv.ParseInt(text, 10, 64)
	case "@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded":
		p.notAll = text == "true"
	}
	return err
}

// readRow reads one row.
func readRow(body io.Reader, s *shape) (row Row, err error) {
	r := newRowReader(&scanner{from: body}, &texts{}, s)
	err = r.whole(func() (err error) {
		row, err = r.row()
		return err
	})
	if err == nil {
		err = r.end()
	}
	return row, err
}

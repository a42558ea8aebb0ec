package emulator

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// Names, addresses and numbers that the platform makes up.

// fullName joins the parts of a name. Without phonetic parts the phonetic name is the name.
func (w *writing) fullName(context.Context) error {
	if !w.changed("firstname", "middlename", "lastname", "yomifirstname", "yomimiddlename", "yomilastname") {
		return nil
	}
	name := w.join(" ", "firstname", "middlename", "lastname")
	phonetic := w.join(" ", "yomifirstname", "yomimiddlename", "yomilastname")
	if phonetic == "" {
		phonetic = name
	}
	w.put("fullname", emptyAsNull(name))
	w.put("yomifullname", emptyAsNull(phonetic))
	return nil
}

// join joins the columns that have a value.
func (w *writing) join(separator string, columns ...string) string {
	texts := make([]string, len(columns))
	for i, column := range columns {
		texts[i] = w.text(column)
	}
	return linked(separator, texts...)
}

// composeAddresses writes every address as the lines of a letter.
func (w *writing) composeAddresses(context.Context) error {
	for _, col := range w.table.Columns {
		prefix, ok := strings.CutSuffix(col.Logical, "composite")
		if !ok {
			continue
		}
		parts := []string{"line1", "line2", "line3", "city", "stateorprovince", "postalcode", "country"}
		for i := range parts {
			parts[i] = prefix + parts[i]
		}
		if !w.changed(parts...) {
			continue
		}
		town := linked(", ", w.text(parts[3]), w.join(" ", parts[4], parts[5]))
		w.put(col.Logical, emptyAsNull(linked("\r\n", w.text(parts[0]), w.text(parts[1]), w.text(parts[2]), town, w.text(parts[6]))))
	}
	return nil
}

// linked joins the texts that are not empty.
func linked(separator string, texts ...string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return text == "" }), separator)
}

// autonumbers are the columns that the platform numbers, with the prefix of the number.
func autonumbers(table string) (column, prefix string) {
	switch table {
	case "incident":
		return "ticketnumber", "CAS"
	case "quote":
		return "quotenumber", "QUO"
	case "salesorder":
		return "ordernumber", "ORD"
	case "invoice":
		return "invoicenumber", "INV"
	case "campaign":
		return "codename", "CMP"
	case "contract":
		return "contractnumber", "CNR"
	case "knowledgearticle":
		return "articlepublicnumber", "KA"
	}
	return "", ""
}

// firstNumber is where every series starts; rows that came with the sample data have taken as many numbers.
const firstNumber = 1000

// autonumber numbers a new row, such as CAS-01000-B7C9D2, unless the client did. The end is no counter: it keeps
// numbers apart that two offices gave out.
func (w *writing) autonumber(ctx context.Context) error {
	if w.creating() {
		w.preset("revisionnumber", int64(0))
	}
	column, prefix := autonumbers(w.table.Logical)
	if column == "" || !w.creating() || w.value(column) != nil {
		return nil
	}
	var n int64
	err := w.tx.QueryRowContext(ctx, fmt.Sprintf(`INSERT INTO "$state" (name, value) SELECT ?, ? + count(*) FROM %s WHERE true
		ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value`, store.Quote(w.table.Logical)), "number "+prefix, firstNumber).Scan(&n)
	if err != nil {
		return err
	}
	w.put(column, fmt.Sprintf("%s-%05d-%s", prefix, n, strings.ToUpper(w.id[:6])))
	return nil
}

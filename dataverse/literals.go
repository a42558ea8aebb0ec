package dataverse

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// literals brings x into the form that column c is compared with.
func literals(c *Column, x odata.Expr) (odata.Expr, error) {
	switch x := x.(type) {
	case *odata.Literal:
		return literal(c, x)
	case *odata.List:
		items := make([]odata.Expr, len(x.Items))
		for i, item := range x.Items {
			item, err := literals(c, item)
			if err != nil {
				return nil, err
			}
			items[i] = item
		}
		return &odata.List{Items: items, JSON: x.JSON}, nil
	case *odata.Call:
		return callLiteral(c, x)
	}
	return x, nil
}

// callLiteral reads contact(GUID), which the grammar takes for a function, as the row that it names in Values.
func callLiteral(c *Column, x *odata.Call) (odata.Expr, error) {
	if !c.Type.isLookup() && c.Type != GUIDColumn || len(x.On) > 0 || len(x.Args) != 1 {
		return x, nil
	}
	id, ok := x.Args[0].Value.(*odata.Literal)
	if !ok || id.Kind != odata.GUID {
		return x, nil
	}
	return rowLiteral(c, x.Name+"("+id.Value+")")
}

// rowLiteral is the id in a reference to a row, or an id alone: the service compares ids, which are one of a kind.
func rowLiteral(c *Column, text string) (odata.Expr, error) {
	if _, id, err := reference(c, text); err == nil {
		if guid, ok := parseGUID(id); ok {
			return &odata.Literal{Kind: odata.GUID, Value: guid}, nil
		}
	}
	return nil, invalid("column %s: got %s, want the id of a row", c.LogicalName, quoted(text))
}

// tableLiteral is the logical name of a table. A display name would match no row, which looks like an answer.
func tableLiteral(c *Column, text string) (odata.Expr, error) {
	name := strings.ToLower(strings.TrimSpace(text))
	if strings.ContainsAny(name, " -") {
		return nil, invalid("column %s: got %s, want the logical name of a table, such as phonecall", c.LogicalName, quoted(text))
	}
	return &odata.Literal{Kind: odata.String, Value: name}, nil
}

// noTable is what the service writes where a row belongs to no table.
const noTable = "none"

// knownTables refuses names of tables that there are not, and names other than the logical one.
func (tr *translator) knownTables(ctx context.Context, c *Column, x odata.Expr) error {
	switch x := x.(type) {
	case *odata.List:
		for _, item := range x.Items {
			if err := tr.knownTables(ctx, c, item); err != nil {
				return err
			}
		}
	case *odata.Literal:
		if x.Kind != odata.String || x.Value == noTable {
			return nil
		}
		d, err := tr.client.directory(ctx)
		if err != nil {
			return err
		}
		info, err := d.resolve(x.Value)
		if info.LogicalName == x.Value && err == nil {
			return nil
		}
		e := invalid("column %s: got %s, want the logical name of a table", c.LogicalName, quoted(x.Value))
		e.Nearest, e.unknownName = []string{info.LogicalName}, err != nil
		if unknown, ok := errors.AsType[*Error](err); ok {
			e.Nearest = unknown.Nearest
		}
		return e
	}
	return nil
}

// literal translates a value: the label of a choice to its number, a quoted guid, date or number to what it is.
func literal(c *Column, x *odata.Literal) (odata.Expr, error) {
	switch {
	case x.Kind == odata.String:
		return quotedLiteral(c, x)
	case x.Kind == odata.Bool && c.Type.isChoice():
		return nil, unknownChoice(c, x.Value)
	case c.Type == StringColumn, c.Type == MemoColumn:
		return textLiteral(x), nil
	case c.Behavior == "DateOnly" && x.Kind == odata.DateTime:
		if at, err := parseTime(x.Value); err == nil {
			if day, ok := dayOf(at); ok {
				return &odata.Literal{Kind: odata.Date, Value: day}, nil
			}
		}
	case c.Type == BooleanColumn && x.Kind == odata.Number && (x.Value == "0" || x.Value == "1"):
		return &odata.Literal{Kind: odata.Bool, Value: strconv.FormatBool(x.Value == "1")}, nil
	}
	return x, nil
}

func quotedLiteral(c *Column, x *odata.Literal) (odata.Expr, error) {
	switch {
	case c.Type.isChoice(), c.Type == ChoicesColumn, c.Type == BooleanColumn:
		n, err := choiceOf(c, x.Value)
		if err != nil {
			return nil, err
		}
		if c.Type == BooleanColumn {
			return &odata.Literal{Kind: odata.Bool, Value: strconv.FormatBool(n == 1)}, nil
		}
		return &odata.Literal{Kind: odata.Number, Value: strconv.Itoa(n)}, nil
	case c.Type == EntityNameColumn:
		return tableLiteral(c, x.Value)
	case c.Type.isLookup(), c.Type == GUIDColumn:
		return rowLiteral(c, x.Value)
	case c.Type.isNumber(), c.Type == DateTimeColumn:
		if plain, err := odata.ParseValue(x.Value); err == nil {
			if l, ok := plain.(*odata.Literal); ok && fits(c, l.Kind) {
				return literal(c, l)
			}
		}
		return nil, wrongType(c, x.Value, wantOf(c, x.Value))
	}
	return x, nil
}

func fits(c *Column, k odata.LiteralKind) bool {
	if c.Type == DateTimeColumn {
		return k == odata.Date || k == odata.DateTime
	}
	return k == odata.Number
}

// wantOf says what c holds instead of text.
func wantOf(c *Column, text string) string {
	switch at := zonelessTime.FindString(text); {
	case c.Type != DateTimeColumn:
		return "a number"
	case at != "" && at == strings.TrimSpace(text):
		return "a time with its zone; " + zoneMissing(at)
	}
	return "a date such as 2026-05-01 or 2026-05-01T10:00:00Z"
}

// textLiteral quotes what a text column is compared with: telephone1 eq 5550100.
func textLiteral(x *odata.Literal) odata.Expr {
	if x.Kind == odata.Null || x.Kind == odata.Enum {
		return x
	}
	return &odata.Literal{Kind: odata.String, Value: x.Value}
}

// functionValue puts labels of a choice column into numbers, and leaves the quotes: these arguments are JSON strings.
func functionValue(c *Column, x odata.Expr) (odata.Expr, error) {
	if c == nil || !c.Type.isChoice() && c.Type != ChoicesColumn {
		return x, nil
	}
	switch x := x.(type) {
	case *odata.Literal:
		if x.Kind != odata.String {
			return x, nil
		}
		n, err := choiceOf(c, x.Value)
		return &odata.Literal{Kind: odata.String, Value: strconv.Itoa(n)}, err
	case *odata.List:
		items := make([]odata.Expr, len(x.Items))
		for i, item := range x.Items {
			item, err := functionValue(c, item)
			if err != nil {
				return nil, err
			}
			items[i] = item
		}
		return &odata.List{Items: items, JSON: x.JSON}, nil
	}
	return x, nil
}

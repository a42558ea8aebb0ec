package emulator

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// conversion makes a sale of the next kind, with its lines, from one that is there.
type conversion struct {
	parameter string // the id of the source
	from, to  string
	states    []int64 // in which the source may be
	after     func(a *acting, ctx context.Context, source, made location, row map[string]any) error
}

var generateQuoteFromOpportunity = conversion{parameter: "OpportunityId", from: "opportunity", to: "quote", states: []int64{0}}.
	message("GenerateQuoteFromOpportunity")

var convertQuoteToSalesOrder = conversion{
	parameter: "QuoteId", from: "quote", to: "salesorder", states: []int64{1, 2}, after: (*acting).winConverted,
}.message("ConvertQuoteToSalesOrder",
	parameter{name: "QuoteCloseDate", kind: "Edm.DateTimeOffset", optional: true},
	parameter{name: "QuoteCloseStatus", kind: "Edm.Int32", optional: true},
	parameter{name: "QuoteCloseSubject", kind: "Edm.String", optional: true},
	parameter{name: "QuoteCloseDescription", kind: "Edm.String", optional: true})

var convertSalesOrderToInvoice = conversion{
	parameter: "SalesOrderId", from: "salesorder", to: "invoice", states: []int64{0, 1, 3}, after: (*acting).markInvoiced,
}.message("ConvertSalesOrderToInvoice")

var reviseQuote = conversion{parameter: "QuoteId", from: "quote", to: "quote", states: []int64{3}, after: (*acting).countRevision}.
	message("ReviseQuote")

func (k conversion) message(name string, more ...parameter) message {
	return message{
		name:   name,
		action: true,
		parameters: append([]parameter{
			{name: k.parameter, kind: "Edm.Guid"}, {name: "ColumnSet", kind: "ColumnSet"},
		}, more...),
		result: "crmbaseentity",
		act:    k.act,
	}
}

func (k conversion) act(ctx context.Context, a *acting) error {
	source := location{table: a.schema.Table(k.from), id: a.text(k.parameter)}
	row, err := a.stands(ctx, source)
	if err != nil {
		return err
	}
	if state, _ := row["statecode"].(int64); !slices.Contains(k.states, state) {
		return invalidState()
	}
	made, err := a.convert(ctx, k, source, row)
	if err != nil {
		return err
	}
	if k.after != nil {
		if err := k.after(a, ctx, source, made, row); err != nil {
			return err
		}
	}
	return a.answerRow(ctx, made)
}

// convert creates the row and its lines.
func (a *acting) convert(ctx context.Context, k conversion, source location, row map[string]any) (location, error) {
	made := location{table: a.schema.Table(k.to)}
	m, _ := mappingBetween(k.from, k.to)
	id, err := a.add(ctx, made.table, m.values(source.table, made.table, source.id, row))
	if err != nil {
		return made, err
	}
	made.id = id
	old, fresh := saleOf(k.from), saleOf(k.to)
	lines, newLines := a.schema.Table(old.lines), a.schema.Table(fresh.lines)
	ids, err := orderedLines(ctx, a.tx, old, source.id)
	if err != nil {
		return made, err
	}
	between, _ := mappingBetween(old.lines, fresh.lines)
	for _, line := range ids {
		values, err := a.stands(ctx, location{table: lines, id: line})
		if err != nil {
			return made, err
		}
		values = between.values(lines, newLines, line, values)
		values["ispriceoverridden"] = int64(1) // what was agreed stays
		lookup(values, newLines, fresh.lookup, made.id, k.to)
		if _, err := a.add(ctx, newLines, values); err != nil {
			return made, err
		}
	}
	return made, nil
}

// orderedLines are the lines of a sale in their order.
func orderedLines(ctx context.Context, q store.Querier, s sale, id string) ([]string, error) {
	result, err := q.QueryContext(ctx, fmt.Sprintf("SELECT %[1]sid FROM %[1]s WHERE %s = ? ORDER BY lineitemnumber", s.lines, s.lookup), id)
	if err != nil {
		return nil, err
	}
	var ids []string
	err = scanAll(result, func(cells []any) error {
		line, _ := cells[0].(string)
		ids = append(ids, line)
		return nil
	})
	return ids, err
}

// answerRow answers with the columns of a row that the client wants.
func (a *acting) answerRow(ctx context.Context, l location) error {
	var options odata.Options
	set := arguments{values: map[string]any{}}
	for _, m := range a.object("ColumnSet") {
		set.values[m.name] = m.value
	}
	if options.Select = set.texts("Columns"); set.flag("AllColumns") {
		options.Select = nil
	} else if len(options.Select) == 0 {
		options.Select = []string{l.table.PrimaryID}
	}
	answer, err := a.record(ctx, l.table, l.id, options)
	if err != nil {
		return err
	}
	return a.answer(http.StatusOK, answer.body)
}

// winConverted wins a quote that an order was made of.
func (a *acting) winConverted(ctx context.Context, quote, _ location, row map[string]any) error {
	if row["statecode"] == int64(2) {
		return nil
	}
	t := a.schema.Table("quoteclose")
	values := map[string]any{"actualend": a.at.Format(storedTime), "subject": "Quote Won (Won)", "quotenumber": row["quotenumber"]}
	if subject := a.text("QuoteCloseSubject"); subject != "" {
		values["subject"] = subject
	}
	if date := a.text("QuoteCloseDate"); date != "" {
		end, err := timeIn(t.Column("actualend"), date)
		if err != nil {
			return err
		}
		values["actualend"] = end
	}
	values["description"] = emptyAsNull(a.text("QuoteCloseDescription"))
	lookup(values, t, "quoteid", quote.id, "quote")
	id, err := a.add(ctx, t, values)
	if err != nil {
		return err
	}
	if err := a.change(ctx, location{table: t, id: id}, map[string]any{"statecode": int64(1)}); err != nil {
		return err
	}
	won := map[string]any{"statecode": int64(2), "closedon": day(values["actualend"])}
	if status := a.number("QuoteCloseStatus"); status > 0 {
		won["statuscode"] = status
	}
	return a.change(ctx, quote, won)
}

func (a *acting) markInvoiced(ctx context.Context, order, _ location, _ map[string]any) error {
	return a.change(ctx, order, map[string]any{"statecode": int64(4)})
}

// countRevision numbers a revision, which keeps the number of its quote.
func (a *acting) countRevision(ctx context.Context, _, made location, row map[string]any) error {
	revision, _ := row["revisionnumber"].(int64)
	return a.change(ctx, made, map[string]any{"revisionnumber": revision + 1})
}

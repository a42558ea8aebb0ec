package emulator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// What the platform computes with money.

// sale is a table whose rows have lines.
type sale struct{ table, lines, lookup string }

func sales() []sale {
	return []sale{
		{"opportunity", "opportunityproduct", "opportunityid"}, {"quote", "quotedetail", "quoteid"},
		{"salesorder", "salesorderdetail", "salesorderid"}, {"invoice", "invoicedetail", "invoiceid"},
	}
}

// saleOf finds the sale whose rows or lines the table holds.
func saleOf(table string) sale {
	for _, s := range sales() {
		if s.table == table || s.lines == table {
			return s
		}
	}
	return sale{}
}

// convert gives a row with amounts a currency: that of the sale it is a line of, else the organization's.
func (w *writing) convert(ctx context.Context) error {
	money := false
	for _, col := range w.table.Columns {
		money = money || col.Type == schema.Money
	}
	if s := saleOf(w.table.Logical); money && s.lines == w.table.Logical && w.value("transactioncurrencyid") == nil {
		if err := w.pick(ctx, "transactioncurrencyid", s.table, s.lookup); err != nil {
			return err
		}
	}
	if money && w.creating() && w.value("transactioncurrencyid") == nil {
		base, err := w.baseCurrency(ctx)
		if err != nil {
			return err
		}
		w.link("transactioncurrencyid", base, "transactioncurrency")
	}
	if !w.changed("transactioncurrencyid") || w.table.Logical == "transactioncurrency" {
		return nil
	}
	currency := w.text("transactioncurrencyid")
	if currency == "" {
		w.put("exchangerate", nil)
		return nil
	}
	rate, err := peek(ctx, w.tx, w.schema.Table("transactioncurrency"), currency, "exchangerate")
	if err != nil {
		return err
	}
	w.put("exchangerate", rate)
	return nil
}

// baseCurrency is the organization's, "" where it has none.
func (w *writing) baseCurrency(ctx context.Context) (string, error) {
	prepared, err := store.Prepared(ctx, w.tx, "SELECT basecurrencyid FROM organization LIMIT 1")
	if err != nil {
		return "", err
	}
	var id sql.NullString
	err = prepared.QueryRowContext(ctx).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id.String, err
}

// pick copies a lookup of the same name from the row that another lookup leads to.
func (w *writing) pick(ctx context.Context, column, table, by string) error {
	id := w.text(by)
	if id == "" {
		return nil
	}
	stands, err := peek(ctx, w.tx, w.schema.Table(table), id, column)
	if err != nil {
		return err
	}
	value, _ := stands.(string)
	target := ""
	if col := w.table.Column(column); col != nil && len(col.Targets) == 1 {
		target = col.Targets[0]
	}
	w.link(column, value, target)
	return nil
}

// baseAmounts writes every amount in the organization's currency too.
func (w *writing) baseAmounts(context.Context) error {
	rate := w.number("exchangerate")
	for _, col := range w.table.Columns {
		amount, ok := strings.CutSuffix(col.Logical, "_base")
		if !ok || col.Type != schema.Money || !w.changed(amount, "exchangerate") {
			continue
		}
		if w.value(amount) == nil || rate == 0 {
			w.put(col.Logical, nil)
			continue
		}
		w.put(col.Logical, round(w.number(amount)/rate, max(col.Precision, currencyPrecision)))
	}
	return nil
}

// price computes a line: the price from the price list unless it is overridden, then the amounts.
func (w *writing) price(ctx context.Context) error {
	s := saleOf(w.table.Logical)
	if err := w.listPrice(ctx, s); err != nil {
		return err
	}
	if w.creating() && w.has("lineitemnumber") && w.value("lineitemnumber") == nil {
		var n int64
		query := fmt.Sprintf("SELECT coalesce(max(lineitemnumber), 0) + 1 FROM %s WHERE %s = ?", store.Quote(s.lines), store.Quote(s.lookup))
		if err := w.tx.QueryRowContext(ctx, query, w.value(s.lookup)).Scan(&n); err != nil {
			return err
		}
		w.put("lineitemnumber", n)
	}
	amount := round(w.number("priceperunit")*w.number("quantity"), currencyPrecision)
	discount := w.number("manualdiscountamount") + w.number("volumediscountamount")*w.number("quantity")
	w.put("baseamount", amount)
	w.put("extendedamount", round(amount-discount+w.number("tax"), currencyPrecision))
	return nil
}

// listPrice takes the price of a product from the price list of the sale.
func (w *writing) listPrice(ctx context.Context, s sale) error {
	product := w.text("productid")
	if product == "" || w.number("ispriceoverridden") == 1 || !w.changed("productid", "uomid", s.lookup) {
		return nil
	}
	if w.value("uomid") == nil {
		stands, err := load(ctx, w.tx, w.schema.Table("product"), product)
		if err != nil {
			return err
		}
		unit, _ := stands["defaultuomid"].(string)
		w.link("uomid", unit, "uom")
	}
	var price sql.NullFloat64
	err := w.tx.QueryRowContext(ctx, fmt.Sprintf(`SELECT p.amount FROM productpricelevel p JOIN %s s ON s.pricelevelid = p.pricelevelid
		WHERE s.%s = ? AND p.productid = ? AND p.uomid IS ?`, store.Quote(s.table), store.Quote(s.lookup)),
		w.value(s.lookup), product, w.value("uomid")).Scan(&price)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if price.Valid {
		w.put("priceperunit", price.Float64)
	}
	return err
}

// total adds up the lines of a sale and takes its own discounts and freight into account.
func (w *writing) total(ctx context.Context) error {
	s := saleOf(w.table.Logical)
	var amount, discounts, tax float64
	err := w.tx.QueryRowContext(ctx, fmt.Sprintf(`SELECT coalesce(sum(coalesce(extendedamount, 0) - coalesce(tax, 0)), 0),
		coalesce(sum(manualdiscountamount), 0), coalesce(sum(tax), 0) FROM %s WHERE %s = ?`,
		store.Quote(s.lines), store.Quote(s.lookup)), w.id).Scan(&amount, &discounts, &tax)
	if err != nil {
		return err
	}
	own := w.number("discountamount") + amount*w.number("discountpercentage")/100
	beforeFreight := amount - own
	for column, value := range map[string]float64{
		"totallineitemamount": amount, "totallineitemdiscountamount": discounts, "totaltax": tax,
		"totaldiscountamount": own + discounts, "totalamountlessfreight": beforeFreight,
		"totalamount": beforeFreight + w.number("freightamount") + tax,
	} {
		w.put(column, round(value, currencyPrecision))
	}
	if w.number("isrevenuesystemcalculated") == 1 {
		w.put("estimatedvalue", w.value("totalamount"))
	}
	return nil
}

// totalParent brings the sale that a line belongs to, or belonged to, up to date.
func (w *writing) totalParent(ctx context.Context) error {
	s := saleOf(w.table.Logical)
	parents := map[any]bool{w.value(s.lookup): true, w.before[s.lookup]: true}
	for parent := range maps.Keys(parents) {
		id, _ := parent.(string)
		if id == "" {
			continue
		}
		stands, err := load(ctx, w.tx, w.schema.Table(s.table), id)
		if e, ok := errors.AsType[*Error](err); ok && e.Code == codeNotFound {
			continue // it goes with its lines
		}
		if err != nil {
			return err
		}
		head := &writing{call: w.call, tx: w.tx, table: w.schema.Table(s.table), id: id, before: stands, set: map[string]any{}}
		for _, step := range []func(context.Context) error{head.stamp, head.total, head.baseAmounts, head.save} {
			if err := step(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

package emulator

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// readCurrencies reads how money is written, where the answer has formatted money.
func (w *renderer) readCurrencies(ctx context.Context, q store.Querier) error {
	wanted := slices.ContainsFunc(w.fields, func(f field) bool { return f.column.Type == schema.Money && f.formatted != nil })
	if !wanted {
		return nil
	}
	w.currencies, w.base = map[string]money{}, usDollar
	result, err := q.QueryContext(ctx, "SELECT transactioncurrencyid, currencysymbol, currencyprecision FROM transactioncurrency")
	if err != nil {
		return err
	}
	defer result.Close()
	for result.Next() {
		var id string
		var symbol *string
		var precision *int
		if err := result.Scan(&id, &symbol, &precision); err != nil {
			return err
		}
		m := usDollar
		if symbol != nil {
			m.symbol = *symbol
		}
		if precision != nil {
			m.precision = *precision
		}
		w.currencies[id] = m
	}
	if err := result.Err(); err != nil {
		return err
	}
	var base *string
	err = q.QueryRowContext(ctx, "SELECT basecurrencyid FROM organization LIMIT 1").Scan(&base)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if base != nil {
		if m, ok := w.currencies[*base]; ok {
			w.base = m
		}
	}
	return nil
}

// Where the number of decimals of a money column comes from.
const (
	precisionOfColumn       = 0
	precisionOfOrganization = 1
	precisionOfCurrency     = 2
)

// pricingPrecision is the organization's number of decimals for prices.
const pricingPrecision = 2

// formatMoney writes an amount in the row's currency, or in the organization's where the column is a base amount.
func (w *renderer) formatMoney(c *schema.Column, r row, value any) (string, bool) {
	m, ok := w.currencies[r.text(w.currency)]
	if !ok || c.CalculationOf != "" {
		m = w.base
	}
	precision := m.precision
	switch c.PrecisionSource {
	case precisionOfColumn:
		precision = c.Precision
	case precisionOfOrganization:
		precision = pricingPrecision
	case precisionOfCurrency:
	}
	switch v := value.(type) {
	case float64:
		return m.format(v, precision), true
	case int64:
		return m.format(float64(v), precision), true
	}
	return "", false
}

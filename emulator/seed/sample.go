package seed

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

// Sample adds a company that sells and services office and workshop equipment: customers, leads, two years of sales,
// cases and activities. It needs what Base added. Every date is relative to the day of now (UTC), so that this quarter
// and last month always have answers; customers and sales have the same ids and names on every day.
func Sample(ctx context.Context, db *store.DB, s *schema.Schema, now time.Time) error {
	return load(ctx, db, s, firstDay(now), func(l *loader) {
		c := &company{loader: l, today: now.UTC().Truncate(24 * time.Hour), sequence: map[string]int{}}
		for i, add := range []func(){
			c.addPeople, c.addCatalog, c.addCustomers, c.addMarketing, c.addSales, c.addOrders, c.addService, c.addActivities,
			c.addNotes, c.addConnections, c.addGoals,
		} {
			c.rand = rand.New(rand.NewPCG(20240229, uint64(i))) // its own: what one part draws changes no other
			add()
		}
	})
}

// HasSample reports whether the database holds what Sample added.
func HasSample(ctx context.Context, q store.Querier) (found bool, err error) {
	err = q.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM account WHERE accountid = ?)", id("account", 1)).Scan(&found)
	return found, err
}

// company is what has been made so far: later rows refer to earlier ones.
type company struct {
	*loader
	today time.Time // midnight
	rand  *rand.Rand

	units         []unit
	users         []user
	sellers       []user // those who own customers and sales
	agents        []user // those who own cases
	products      []product
	accounts      []account
	contacts      []contact
	leads         []lead
	opportunities []opportunity
	cases         []incident
	sequence      map[string]int // ids given out, by table
}

// newID is the next id of a table.
func (c *company) newID(table string) string {
	c.sequence[table]++
	return id(table, c.sequence[table])
}

func pick[T any](c *company, from []T) T { return from[c.rand.IntN(len(from))] }

// chance is true in percent of all cases.
func (c *company) chance(percent int) bool { return c.rand.IntN(100) < percent }

// between is a whole number from low to high, both included.
func (c *company) between(low, high int) int { return low + c.rand.IntN(high-low+1) }

// ago is a moment in the working hours of a day so many days ago, the Friday before if that is a weekend. It is never
// later than the start of today.
func (c *company) ago(days int) time.Time {
	t := c.workday(c.today.AddDate(0, 0, -days)).Add(time.Duration(c.between(8*60, 17*60)) * time.Minute)
	if t.After(c.today) {
		return c.today
	}
	return t
}

// ahead is a full quarter of an hour in the working hours of a day to come.
func (c *company) ahead(days int) time.Time {
	return c.workday(c.today.AddDate(0, 0, days)).Add(time.Duration(c.between(8*4, 16*4)) * 15 * time.Minute)
}

func (c *company) workday(t time.Time) time.Time {
	switch t.Weekday() {
	case time.Saturday:
		return t.AddDate(0, 0, -1)
	case time.Sunday:
		return t.AddDate(0, 0, -2)
	}
	return t
}

// past is t, or the start of today if t is later.
func (c *company) past(t time.Time) time.Time {
	if t.After(c.today) {
		return c.today
	}
	return t
}

// since is a moment between t and the start of today.
func (c *company) since(t time.Time) time.Time {
	return c.past(t.Add(time.Duration(c.rand.Float64() * float64(c.today.Sub(t))).Truncate(time.Minute)))
}

// quarter is the first day of the quarter of the calendar year so many quarters from this one.
func (c *company) quarter(offset int) time.Time {
	first := (int(c.today.Month())-1)/3*3 + 1
	return time.Date(c.today.Year(), time.Month(first+3*offset), 1, 0, 0, 0, 0, time.UTC)
}

// inQuarter is a day of that quarter.
func (c *company) inQuarter(offset int) time.Time {
	start, end := c.quarter(offset), c.quarter(offset+1)
	days := int(end.Sub(start).Hours() / 24)
	return start.AddDate(0, 0, int(c.rand.Float64()*float64(days)))
}

// made tells who made a row and when, and when it last changed.
func made(at, changed time.Time, by string) row {
	return row{{"createdon", stamp(at)}, {"modifiedon", stamp(changed)}, {"createdby", by}, {"modifiedby", by}}
}

// inDollars are the currency columns of a row with amounts.
var inDollars = row{{"transactioncurrencyid", BaseCurrencyID}, {"exchangerate", 1.0}}

// cents rounds an amount.
func cents(amount float64) float64 { return math.Round(amount*100) / 100 }

// join puts rows' cells together.
func join(rows ...row) row {
	n := 0
	for _, r := range rows {
		n += len(r)
	}
	all := make(row, 0, n)
	for _, r := range rows {
		all = append(all, r...)
	}
	return all
}

// number is a document number as the platform forms it: CAS-01042-K7P3QX.
func (c *company) number(prefix string, n int) string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
	var suffix [6]byte
	for i := range suffix {
		suffix[i] = letters[c.rand.IntN(len(letters))]
	}
	return fmt.Sprintf("%s-%05d-%s", prefix, 1000+n, suffix[:])
}

// plain turns a name into what may stand in a mail address.
func plain(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			b.WriteRune(r)
			continue
		}
		b.WriteString(ascii[r])
	}
	return b.String()
}

func (c *company) phone(of city) string {
	return fmt.Sprintf("%s 555 %04d", of.dial, c.rand.IntN(10000))
}

package seed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

func openSample(t *testing.T, now time.Time) *store.DB {
	t.Helper()
	db := open(t)
	if err := Base(t.Context(), db, schema.Load(), now); err != nil {
		t.Fatal(err)
	}
	if err := Sample(t.Context(), db, schema.Load(), now); err != nil {
		t.Fatal(err)
	}
	return db
}

func number(t *testing.T, db *store.DB, query string, args ...any) (n float64) {
	t.Helper()
	err := db.Read(t.Context(), func(ctx context.Context, q store.Querier) error {
		return q.QueryRowContext(ctx, query, args...).Scan(&n)
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestSampleRowsKeepTheSchema(t *testing.T) {
	checkAll(t, openSample(t, today))
}

func TestSampleIsAMidSizeCompany(t *testing.T) {
	db := openSample(t, today)
	for table, least := range map[string]float64{
		"account": 300, "contact": 800, "lead": 300, "opportunity": 400, "product": 40, "incident": 500, "opportunityproduct": 400,
		"quote": 100, "quotedetail": 200, "salesorder": 90, "invoice": 80, "invoicedetail": 150, "annotation": 500, "activityparty": 8000,
		"systemuser": 25, "businessunit": 6, "team": 9, "territory": 5, "queue": 5, "queueitem": 50, "campaign": 8, "list": 5,
		"listmember": 300, "campaignresponse": 50, "competitor": 5, "opportunitycompetitors": 100, "connection": 60,
		"knowledgearticle": 10, "goal": 10, "contract": 10, "entitlement": 20, "customeraddress": 2000, "opportunityclose": 200,
		"incidentresolution": 300, "pricelevel": 2, "productpricelevel": 80, "uom": 2, "connectionrole": 6, "teammembership": 30,
	} {
		if n := number(t, db, "SELECT count(*) FROM "+store.Quote(table)); n < least {
			t.Errorf("%s: got %v rows, want at least %v", table, n, least)
		}
	}
	const daily = "SELECT count(*) FROM activitypointer WHERE activitytypecode IN ('task','phonecall','email','appointment','letter')"
	if n := number(t, db, daily); n < 3000 {
		t.Errorf("activities: got %v rows, want at least 3000", n)
	}
}

func TestSampleHasRowsThatTryQueries(t *testing.T) {
	db := openSample(t, today)
	for _, query := range []string{
		"SELECT count(*) FROM account WHERE name LIKE '%''%'",
		"SELECT count(*) FROM account WHERE name LIKE '%\\%%' ESCAPE '\\'",
		"SELECT count(*) FROM account WHERE name LIKE '%\\_%' ESCAPE '\\'",
		"SELECT count(*) FROM account WHERE primarycontactid IS NULL AND telephone1 IS NULL AND address1_line1 IS NULL AND revenue IS NULL",
		"SELECT count(*) FROM account WHERE statecode = 1",
		"SELECT count(*) FROM account WHERE parentaccountid IS NOT NULL",
		"SELECT count(*) FROM (SELECT fullname FROM contact GROUP BY fullname HAVING count(*) > 1)",
		"SELECT count(*) FROM contact WHERE parentcustomerid IS NULL",
		"SELECT count(*) FROM contact WHERE lastname = 'Müller'",
		"SELECT count(*) FROM lead WHERE statecode = 1 AND qualifyingopportunityid IS NOT NULL",
		"SELECT count(*) FROM opportunity WHERE originatingleadid IS NOT NULL",
		"SELECT count(*) FROM incident WHERE parentcaseid IS NOT NULL",
		"SELECT count(*) FROM annotation WHERE isdocument = 1",
	} {
		if number(t, db, query) == 0 {
			t.Errorf("%s: got 0", query)
		}
	}
}

func TestTotalsAreTheSumsOfTheLines(t *testing.T) {
	db := openSample(t, today)
	for _, d := range [][3]string{
		{"opportunity", "opportunityproduct", "opportunityid"}, {"quote", "quotedetail", "quoteid"},
		{"salesorder", "salesorderdetail", "salesorderid"}, {"invoice", "invoicedetail", "invoiceid"},
	} {
		header, lines, key := d[0], d[1], d[2]
		for _, r := range rowsOf(t, db, fmt.Sprintf(`SELECT h.totalamount, h.totalamount_base, h.totallineitemamount, h.totaltax,
			sum(l.extendedamount) AS extended, sum(l.baseamount - l.manualdiscountamount) AS net, sum(l.tax) AS tax
			FROM %s h JOIN %s l ON l.%s = h.%[3]s GROUP BY h.%[3]s`, header, lines, key)) {
			for total, sum := range map[string]string{"totalamount": "extended", "totalamount_base": "extended", "totallineitemamount": "net", "totaltax": "tax"} {
				if math.Abs(r[total].(float64)-r[sum].(float64)) > 0.005 {
					t.Errorf("%s: %s is %v, its lines sum up to %v", header, total, r[total], r[sum])
				}
			}
		}
		if n := number(t, db, fmt.Sprintf("SELECT count(*) FROM %s WHERE abs(extendedamount - (baseamount - manualdiscountamount + tax)) > 0.005 OR abs(baseamount - quantity*priceperunit) > 0.005", lines)); n > 0 {
			t.Errorf("%s: %v lines do not add up", lines, n)
		}
	}
}

func TestEveryDayHasAnswers(t *testing.T) {
	for _, now := range []time.Time{
		time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 1, 0, time.UTC),
		time.Date(2026, 3, 31, 23, 59, 59, 0, time.UTC), time.Date(2026, 8, 16, 7, 0, 0, 0, time.UTC), time.Date(2027, 12, 31, 9, 0, 0, 0, time.UTC),
	} {
		db := openSample(t, now)
		quarter := time.Date(now.Year(), (now.Month()-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
		month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
		from, to := day(quarter), day(quarter.AddDate(0, 3, 0))
		const closing = " FROM opportunity WHERE statecode = 0 AND estimatedvalue > 50000 AND estimatedclosedate >= ? AND estimatedclosedate < ?"
		if n := number(t, db, "SELECT count(*)"+closing, from, to); n < 20 {
			t.Errorf("%s: %v open sales over 50k close this quarter, want at least 20", day(now), n)
		}
		if n := number(t, db, "SELECT count(DISTINCT ownerid)"+closing, from, to); n < 5 {
			t.Errorf("%s: they have %v owners, want at least 5", day(now), n)
		}
		lastMonth, tomorrow := day(month.AddDate(0, -1, 0)), stamp(now.Truncate(24*time.Hour).Add(time.Second))
		if n := number(t, db, "SELECT count(*) FROM opportunity WHERE statecode = 1 AND actualclosedate >= ? AND actualclosedate < ?", lastMonth, day(month)); n < 3 {
			t.Errorf("%s: %v sales won last month, want at least 3", day(now), n)
		}
		for _, table := range []string{"account", "contact", "lead", "opportunity", "quote", "salesorder", "invoice", "incident", "activitypointer", "annotation"} {
			for _, column := range []string{"createdon", "modifiedon"} {
				if n := number(t, db, fmt.Sprintf("SELECT count(*) FROM %s WHERE %s >= ?", table, column), tomorrow); n > 0 {
					t.Errorf("%s: %v rows of %s have %s in the future", day(now), n, table, column)
				}
			}
			if n := number(t, db, fmt.Sprintf("SELECT count(*) FROM %s WHERE modifiedon < createdon", table)); n > 0 {
				t.Errorf("%s: %v rows of %s changed before they were made", day(now), n, table)
			}
		}
	}
}

func TestTheSameDayGivesTheSameRows(t *testing.T) {
	morning, evening := today.Truncate(24*time.Hour), today.Truncate(24*time.Hour).Add(23*time.Hour)
	if first, second := digest(t, openSample(t, morning)), digest(t, openSample(t, evening)); first != second {
		t.Errorf("got different rows: %s, then %s", first, second)
	}
}

func TestCustomersAndSalesKeepTheirNamesOnEveryDay(t *testing.T) {
	now, then := openSample(t, today), openSample(t, today.AddDate(0, 0, 41))
	for _, query := range []string{
		"SELECT accountid, name FROM account ORDER BY 1", "SELECT contactid, fullname FROM contact ORDER BY 1",
		"SELECT opportunityid, name, estimatedvalue FROM opportunity ORDER BY 1",
	} {
		if diff := cmp.Diff(rowsOf(t, now, query), rowsOf(t, then, query)); diff != "" {
			t.Errorf("%s (-now +then):\n%s", query, diff)
		}
	}
}

// digest is a fingerprint of all rows.
func digest(t *testing.T, db *store.DB) string {
	t.Helper()
	sum := sha256.New()
	for _, table := range schema.Load().Tables {
		if !table.Abstract {
			fmt.Fprintln(sum, table.Logical, rowsOf(t, db, "SELECT * FROM "+store.Quote(table.Logical)+" ORDER BY "+table.PrimaryID))
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func BenchmarkSample(b *testing.B) {
	for b.Loop() {
		db, err := store.Open(b.Context(), "", schema.Load())
		if err != nil {
			b.Fatal(err)
		}
		if err := Base(b.Context(), db, schema.Load(), today); err != nil {
			b.Fatal(err)
		}
		if err := Sample(b.Context(), db, schema.Load(), today); err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

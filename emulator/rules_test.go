package emulator_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/seed"
)

func TestCreateFillsInWhatThePlatformKnows(t *testing.T) {
	s := start(t)
	id := add(t, s, "accounts", `{"name":"Contoso","revenue":1000,"address1_line1":"1 Main","address1_city":"Renton","address1_stateorprovince":"WA","address1_postalcode":"61795","address1_country":"U.S."}`)
	wantStored(t, s, "account", id, columns{
		"createdon": "2026-03-02T12:00:00Z", "modifiedon": "2026-03-02T12:00:00Z",
		"createdby": seed.AdministratorID, "modifiedby": seed.AdministratorID, "createdonbehalfby": nil,
		"ownerid": seed.AdministratorID, "ownerid$table": "systemuser", "owninguser": seed.AdministratorID, "owningteam": nil,
		"owningbusinessunit": seed.RootBusinessUnitID, "statecode": int64(0), "statuscode": int64(1),
		"transactioncurrencyid": seed.BaseCurrencyID, "exchangerate": 1.0, "revenue_base": 1000.0,
		"address1_composite": "1 Main\r\nRenton, WA 61795\r\nU.S.", "address2_composite": nil, "donotemail": int64(0),
	})
}

func TestAFullNameComesFromItsParts(t *testing.T) {
	s := start(t)
	id := add(t, s, "contacts", `{"firstname":"Susanna","lastname":"Stubberod","fullname":"ignored"}`)
	wantStored(t, s, "contact", id, columns{"fullname": "Susanna Stubberod", "yomifullname": "Susanna Stubberod"})
	must(t, s, http.StatusNoContent, "PATCH", "contacts("+id+")", `{"firstname":null}`)
	wantStored(t, s, "contact", id, columns{"fullname": "Stubberod"})
}

func TestAnOverriddenCreationDateIsTheAgeOfTheRow(t *testing.T) {
	s := start(t)
	id := add(t, s, "accounts", `{"overriddencreatedon":"2010-05-06T00:00:00Z"}`)
	wantStored(t, s, "account", id, columns{"createdon": "2010-05-06T00:00:00Z", "overriddencreatedon": "2026-03-02T12:00:00Z"})
}

func TestAmountsAreKeptInTheBaseCurrencyToo(t *testing.T) {
	s := start(t)
	rate := emulator.Ask[float64](t, s, "SELECT exchangerate FROM transactioncurrency WHERE transactioncurrencyid = ?", seed.EuroID)
	id := add(t, s, "accounts", `{"revenue":100,"transactioncurrencyid@odata.bind":"/transactioncurrencies(`+seed.EuroID+`)"}`)
	row := emulator.Stored(t, s, "account", id)
	base, _ := row["revenue_base"].(float64)
	if back := base * rate; row["exchangerate"] != rate || back < 99.99 || back > 100.01 {
		t.Errorf("100 at %v: got %v at %v", rate, base, row["exchangerate"])
	}
	must(t, s, http.StatusNoContent, "PATCH", "accounts("+id+")", `{"transactioncurrencyid@odata.bind":"/transactioncurrencies(`+seed.BaseCurrencyID+`)"}`)
	wantStored(t, s, "account", id, columns{"revenue_base": 100.0, "exchangerate": 1.0})
	must(t, s, http.StatusNoContent, "PATCH", "accounts("+id+")", `{"revenue":null}`)
	wantStored(t, s, "account", id, columns{"revenue_base": nil})
}

func TestCasesAndSalesAreNumbered(t *testing.T) {
	s := start(t)
	account := add(t, s, "accounts", `{"name":"Contoso"}`)
	customer := `{"customerid_account@odata.bind":"/accounts(` + account + `)"}`
	for _, c := range []struct{ set, table, column, pattern string }{
		{"incidents", "incident", "ticketnumber", `^CAS-\d{5}-[0-9A-F]{6}$`},
		{"quotes", "quote", "quotenumber", `^QUO-\d{5}-[0-9A-F]{6}$`},
		{"salesorders", "salesorder", "ordernumber", `^ORD-\d{5}-[0-9A-F]{6}$`},
		{"invoices", "invoice", "invoicenumber", `^INV-\d{5}-[0-9A-F]{6}$`},
	} {
		first, _ := emulator.Stored(t, s, c.table, add(t, s, c.set, customer))[c.column].(string)
		second, _ := emulator.Stored(t, s, c.table, add(t, s, c.set, customer))[c.column].(string)
		if !regexp.MustCompile(c.pattern).MatchString(first) || first[:9] >= second[:9] {
			t.Errorf("%s: got %q, then %q", c.column, first, second)
		}
	}
	id := add(t, s, "incidents", `{"ticketnumber":"X-1",`+customer[1:])
	wantStored(t, s, "incident", id, columns{"ticketnumber": "X-1"})
}

func TestTheCustomerOfAnOpportunityIsItsAccountOrContact(t *testing.T) {
	s := start(t)
	account, contact := add(t, s, "accounts", `{}`), add(t, s, "contacts", `{}`)
	a, c := `"/accounts(`+account+`)"`, `"/contacts(`+contact+`)"`
	for body, want := range map[string]columns{
		`{"customerid_account@odata.bind":` + a + `}`:                                     {"parentaccountid": account, "parentcontactid": nil, "accountid": account, "contactid": nil},
		`{"customerid_contact@odata.bind":` + c + `}`:                                     {"parentaccountid": nil, "parentcontactid": contact, "accountid": nil, "contactid": contact},
		`{"parentaccountid@odata.bind":` + a + `,"parentcontactid@odata.bind":` + c + `}`: {"customerid": account, "customerid$table": "account", "accountid": account},
		`{"parentcontactid@odata.bind":` + c + `}`:                                        {"customerid": contact, "customerid$table": "contact", "contactid": contact},
		`{}`: {"customerid": nil},
	} {
		wantStored(t, s, "opportunity", add(t, s, "opportunities", body), want)
	}
}

func TestLinesAddUp(t *testing.T) {
	s := start(t)
	line := func(quantity, price, discount, tax string) string {
		return `{"isproductoverridden":true,"productdescription":"x","quantity":` + quantity + `,"priceperunit":` + price + `,"manualdiscountamount":` + discount + `,"tax":` + tax + `}`
	}
	id := add(t, s, "quotes", `{"name":"q","discountpercentage":10,"freightamount":7,"quote_details":[`+line("3", "100", "20", "5")+`,`+line("1", "50.25", "0", "0")+`]}`)
	wantStored(t, s, "quote", id, columns{"totallineitemamount": 330.25, "totallineitemdiscountamount": 20.0, "totaltax": 5.0,
		"totaldiscountamount": 53.03, "totalamountlessfreight": 297.23, "totalamount": 309.23, "totalamount_base": 309.23})
	first := emulator.Ask[string](t, s, "SELECT quotedetailid FROM quotedetail WHERE quoteid = ? AND lineitemnumber = 1", id)
	wantStored(t, s, "quotedetail", first, columns{"baseamount": 300.0, "extendedamount": 285.0, "extendedamount_base": 285.0, "transactioncurrencyid": seed.BaseCurrencyID})
	must(t, s, http.StatusNoContent, "PATCH", "quotedetails("+first+")", `{"quantity":1}`)
	wantStored(t, s, "quote", id, columns{"totallineitemamount": 130.25})
	must(t, s, http.StatusNoContent, "DELETE", "quotedetails("+first+")", "")
	wantStored(t, s, "quote", id, columns{"totallineitemamount": 50.25, "totaltax": 0.0})
	must(t, s, http.StatusNoContent, "PATCH", "quotes("+id+")", `{"discountpercentage":null,"freightamount":0}`)
	wantStored(t, s, "quote", id, columns{"totalamount": 50.25})
	must(t, s, http.StatusNoContent, "DELETE", "quotes("+id+")", "")
	if n := emulator.Ask[int](t, s, "SELECT count(*) FROM quotedetail"); n != 0 {
		t.Errorf("got %d lines of no quote", n)
	}
}

func TestALineTakesThePriceOfThePriceList(t *testing.T) {
	s := start(t)
	list := add(t, s, "pricelevels", `{"name":"Retail"}`)
	product := add(t, s, "products", `{"name":"Bike","productnumber":"B","defaultuomid@odata.bind":"/uoms(`+seed.PrimaryUnitID+`)","defaultuomscheduleid@odata.bind":"/uomschedules(`+seed.DefaultUnitGroupID+`)"}`)
	add(t, s, "productpricelevels", `{"amount":450,"pricelevelid@odata.bind":"/pricelevels(`+list+`)","productid@odata.bind":"/products(`+product+`)","uomid@odata.bind":"/uoms(`+seed.PrimaryUnitID+`)"}`)
	id := add(t, s, "opportunities", `{"name":"o","isrevenuesystemcalculated":true,"pricelevelid@odata.bind":"/pricelevels(`+list+`)",
		"product_opportunities":[{"productid@odata.bind":"/products(`+product+`)","quantity":2},{"productid@odata.bind":"/products(`+product+`)","quantity":1,"ispriceoverridden":true,"priceperunit":400}]}`)
	wantStored(t, s, "opportunity", id, columns{"totalamount": 1300.0, "estimatedvalue": 1300.0, "estimatedvalue_base": 1300.0})
}

func TestANewOwnerGetsWhatBelongsToTheRow(t *testing.T) {
	s := start(t)
	add(t, s, "accounts", `{"accountid":"`+one+`","contact_customer_accounts":[{"contactid":"`+two+`","Contact_Tasks":[{"activityid":"`+three+`"}]}]}`)
	must(t, s, http.StatusNoContent, "PATCH", "accounts("+one+")", `{"ownerid@odata.bind":"/teams(`+seed.DefaultTeamID+`)"}`)
	for table, id := range map[string]string{"account": one, "contact": two, "task": three} {
		wantStored(t, s, table, id, columns{"ownerid": seed.DefaultTeamID, "ownerid$table": "team", "owninguser": nil, "owningteam": seed.DefaultTeamID})
	}
	must(t, s, http.StatusBadRequest, "PATCH", "accounts("+one+")", `{"ownerid@odata.bind":null}`)
}

func TestAnImageHasAURL(t *testing.T) {
	s := start(t)
	id := add(t, s, "contacts", `{"entityimage":"aGVsbG8="}`)
	wantStored(t, s, "contact", id, columns{"entityimage_url": "/Image/download.aspx?Entity=contact&Attribute=entityimage&Id=" + id + "&Timestamp=639080496000000000"})
	must(t, s, http.StatusNoContent, "PATCH", "contacts("+id+")", `{"entityimage":null}`)
	wantStored(t, s, "contact", id, columns{"entityimage_url": nil, "entityimageid": nil})
}

func TestANoteKnowsTheSizeOfItsFile(t *testing.T) {
	s := start(t)
	id := add(t, s, "annotations", `{"subject":"n","filename":"a.txt","documentbody":"aGVsbG8="}`)
	wantStored(t, s, "annotation", id, columns{"filesize": int64(5), "isdocument": int64(1), "mimetype": "application/octet-stream"})
}

func TestAWebhookIsRegisteredStepByStep(t *testing.T) {
	s := start(t)
	endpoint := add(t, s, "serviceendpoints", `{"name":"Hook","contract":8,"connectionmode":1,"messageformat":2,"authtype":5,"authvalue":"x","url":"https://hook.example","path":"","solutionnamespace":"","userclaim":1}`)
	message := emulator.Ask[string](t, s, "SELECT sdkmessageid FROM sdkmessage WHERE name = 'Update'")
	step := add(t, s, "sdkmessageprocessingsteps", `{"name":"s","stage":40,"mode":1,"rank":1,"supporteddeployment":0,"filteringattributes":"name","asyncautodelete":true,
		"sdkmessageid@odata.bind":"/sdkmessages(`+message+`)","eventhandler_serviceendpoint@odata.bind":"/serviceendpoints(`+endpoint+`)"}`)
	wantStored(t, s, "sdkmessageprocessingstep", step, columns{"eventhandler": endpoint, "eventhandler$table": "serviceendpoint", "statecode": int64(0)})
}

func TestNoRowIsItsOwnAncestor(t *testing.T) {
	s := start(t)
	add(t, s, "accounts", `{"accountid":"`+one+`"}`)
	add(t, s, "accounts", `{"accountid":"`+two+`","parentaccountid@odata.bind":"/accounts(`+one+`)"}`)
	want := failure("0x80040507", "Creating this parental association would create a loop in Accounts hierarchy.")
	for _, parent := range []string{one, two} {
		if r := must(t, s, http.StatusBadRequest, "PATCH", "accounts("+one+")", `{"parentaccountid@odata.bind":"/accounts(`+parent+`)"}`); r.body != want {
			t.Errorf("got %s, want %s", r.body, want)
		}
	}
	contact := add(t, s, "contacts", `{"parentcustomerid_account@odata.bind":"/accounts(`+one+`)"}`)
	must(t, s, http.StatusBadRequest, "PATCH", "contacts("+contact+")", `{"parentcustomerid_contact@odata.bind":"/contacts(`+contact+`)"}`)
	must(t, s, http.StatusNoContent, "PATCH", "contacts("+contact+")", `{"parentcustomerid_account@odata.bind":"/accounts(`+two+`)"}`)
}

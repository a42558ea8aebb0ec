package emulator_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

func TestAQualifiedLeadBecomesAccountContactAndOpportunity(t *testing.T) {
	s := start(t)
	lead := add(t, s, "leads", `{"subject":"40 bikes","firstname":"Susanna","lastname":"Stubberod","companyname":"Contoso","address1_city":"Oslo","emailaddress1":"s@example.com","estimatedamount":900,"jobtitle":"Buyer"}`)
	campaign := add(t, s, "campaigns", `{"name":"Spring"}`)
	path := "leads(" + lead + ")/Microsoft.Dynamics.CRM.QualifyLead"
	body := `{"CreateAccount":true,"CreateContact":true,"CreateOpportunity":true,"Status":3,"SourceCampaignId":{"campaignid":"` + campaign + `"},"OpportunityCustomerId":null}`
	r := must(t, s, http.StatusOK, "POST", path, body)
	account := emulator.Ask[string](t, s, "SELECT accountid FROM account")
	contact := emulator.Ask[string](t, s, "SELECT contactid FROM contact")
	opportunity := emulator.Ask[string](t, s, "SELECT opportunityid FROM opportunity")
	want := `{"@odata.context":"http://org/api/data/v9.2/$metadata#Collection(Microsoft.Dynamics.CRM.crmbaseentity)","value":[` +
		`{"@odata.type":"#Microsoft.Dynamics.CRM.account","accountid":"` + account + `"},{"@odata.type":"#Microsoft.Dynamics.CRM.contact","contactid":"` + contact + `"},` +
		`{"@odata.type":"#Microsoft.Dynamics.CRM.opportunity","opportunityid":"` + opportunity + `"}]}`
	if r.body != want {
		t.Errorf("got %s\nwant %s", r.body, want)
	}
	wantStored(t, s, "account", account, columns{"name": "Contoso", "address1_city": "Oslo", "originatingleadid": lead})
	wantStored(t, s, "contact", contact, columns{"fullname": "Susanna Stubberod", "jobtitle": "Buyer", "parentcustomerid": account, "parentcustomerid$table": "account", "emailaddress1": "s@example.com"})
	wantStored(t, s, "opportunity", opportunity, columns{"name": "40 bikes", "estimatedvalue": 900.0, "customerid": account, "parentaccountid": account, "parentcontactid": contact, "campaignid": campaign, "originatingleadid": lead})
	wantStored(t, s, "lead", lead, columns{"statecode": int64(1), "statuscode": int64(3), "parentaccountid": account, "parentcontactid": contact, "qualifyingopportunityid": opportunity})
	again := failure("0x80040519", "The lead is already closed.")
	if r := must(t, s, http.StatusBadRequest, "POST", path, body); r.body != again {
		t.Errorf("got %s, want %s", r.body, again)
	}
}

func TestALeadThatCannotBeQualifiedMakesNothing(t *testing.T) {
	s := start(t)
	lead := add(t, s, "leads", `{"subject":"40 bikes","lastname":"Stubberod"}`)
	must(t, s, http.StatusBadRequest, "POST", "leads("+lead+")/Microsoft.Dynamics.CRM.QualifyLead", `{"CreateAccount":true,"CreateContact":true,"CreateOpportunity":false,"Status":4}`)
	if n := emulator.Ask[int](t, s, "SELECT (SELECT count(*) FROM account) + (SELECT count(*) FROM contact)"); n != 0 {
		t.Errorf("got %d rows of a lead that was not qualified", n)
	}
}

func TestAnActionInAChangeSetIsUndoneWithIt(t *testing.T) {
	s := start(t)
	lead := add(t, s, "leads", `{"subject":"40 bikes","lastname":"Stubberod"}`)
	request := func(id, path, body string) string {
		return "--set\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: " + id + "\r\n\r\nPOST " + path +
			" HTTP/1.1\r\nContent-Type: application/json\r\n\r\n" + body + "\r\n"
	}
	qualify := request("1", "leads("+lead+")/Microsoft.Dynamics.CRM.QualifyLead", `{"CreateAccount":false,"CreateContact":true,"CreateOpportunity":false,"Status":-1}`)
	batch := func(sets string) reply {
		return send(t, s, "POST", "$batch", "--b\r\nContent-Type: multipart/mixed;boundary=set\r\n\r\n"+sets+"--set--\r\n\r\n--b--\r\n", "Content-Type: multipart/mixed;boundary=b")
	}
	if r := batch(qualify + request("2", "accounts", `{"nonsense":1}`)); !strings.Contains(r.body, "HTTP/1.1 400") {
		t.Errorf("got %d %s", r.status, r.body)
	}
	wantStored(t, s, "lead", lead, columns{"statecode": int64(0)})
	if r := batch(qualify + request("2", "accounts", `{"name":"a"}`)); r.status != http.StatusOK || !strings.Contains(r.body, "HTTP/1.1 200") || !strings.Contains(r.body, "HTTP/1.1 204") {
		t.Errorf("got %d %s", r.status, r.body)
	}
	wantStored(t, s, "lead", lead, columns{"statecode": int64(1), "statuscode": int64(3)})
}

func TestANewRowStartsFromAnother(t *testing.T) {
	s := start(t)
	account := add(t, s, "accounts", `{"name":"Contoso","address1_city":"Oslo","telephone1":"555","industrycode":1}`)
	query := func(target string) string {
		return "InitializeFrom(EntityMoniker=@p1,TargetEntityName=@p2,TargetFieldType=@p3)?@p1={'@odata.id':'accounts(" + account + ")'}&@p2='" + target + "'&@p3=Microsoft.Dynamics.CRM.TargetFieldType'ValidForCreate'"
	}
	r := must(t, s, http.StatusOK, "GET", query("contact"), "")
	var row map[string]any
	if err := json.Unmarshal([]byte(r.body), &row); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"@odata.context": "http://org/api/data/v9.2/$metadata#contacts/$entity", "@odata.type": "#Microsoft.Dynamics.CRM.contact",
		"address1_city": "Oslo", "telephone1": "555", "parentcustomerid_account@odata.bind": "accounts(" + account + ")", "industrycode": nil,
	} {
		if row[name] != want {
			t.Errorf("%s: got %v, want %v", name, row[name], want)
		}
	}
	delete(row, "@odata.context")
	body, _ := json.Marshal(row)
	wantStored(t, s, "contact", add(t, s, "contacts", string(body)), columns{"parentcustomerid": account, "address1_city": "Oslo"})
	want := failure("0x80040e01", "The mapping between specified entities does not exist")
	if r := must(t, s, http.StatusBadRequest, "GET", query("task"), ""); r.body != want {
		t.Errorf("got %s, want %s", r.body, want)
	}
}

func TestASaleGoesFromOpportunityToInvoice(t *testing.T) {
	s := start(t)
	account := add(t, s, "accounts", `{"name":"Contoso"}`)
	opportunity := add(t, s, "opportunities", `{"name":"40 bikes","customerid_account@odata.bind":"/accounts(`+account+`)","isrevenuesystemcalculated":true,
		"product_opportunities":[{"isproductoverridden":true,"productdescription":"Bike","quantity":40,"priceperunit":100},{"isproductoverridden":true,"productdescription":"Bell","quantity":40,"priceperunit":2.5}]}`)
	next := func(action, parameter, id string) map[string]any {
		r := must(t, s, http.StatusOK, "POST", action, `{"`+parameter+`":"`+id+`","ColumnSet":{"AllColumns":false,"Columns":["name","totalamount"]}}`)
		var row map[string]any
		if err := json.Unmarshal([]byte(r.body), &row); err != nil {
			t.Fatal(err)
		}
		if row["name"] != "40 bikes" || row["totalamount"] != 4100.0 {
			t.Errorf("%s: got %s", action, r.body)
		}
		return row
	}
	quote, _ := next("GenerateQuoteFromOpportunity", "OpportunityId", opportunity)["quoteid"].(string)
	wantStored(t, s, "quote", quote, columns{"opportunityid": opportunity, "customerid": account, "statecode": int64(0)})
	convert := `{"QuoteId":"` + quote + `","ColumnSet":{"AllColumns":true}}`
	must(t, s, http.StatusBadRequest, "POST", "ConvertQuoteToSalesOrder", convert) // it is a draft
	must(t, s, http.StatusNoContent, "PATCH", "quotes("+quote+")", `{"statecode":1}`)
	order, _ := next("ConvertQuoteToSalesOrder", "QuoteId", quote)["salesorderid"].(string)
	wantStored(t, s, "salesorder", order, columns{"quoteid": quote, "opportunityid": opportunity, "customerid": account, "statecode": int64(0)})
	wantStored(t, s, "quote", quote, columns{"statecode": int64(2), "statuscode": int64(4), "closedon": "2026-03-02"})
	invoice, _ := next("ConvertSalesOrderToInvoice", "SalesOrderId", order)["invoiceid"].(string)
	wantStored(t, s, "invoice", invoice, columns{"salesorderid": order, "customerid": account})
	wantStored(t, s, "salesorder", order, columns{"statecode": int64(4), "statuscode": int64(100003)})
	if n := emulator.Ask[int](t, s, "SELECT count(*) FROM invoicedetail WHERE invoiceid = ?", invoice); n != 2 {
		t.Errorf("got %d lines, want 2", n)
	}
}

func TestAnActionRefersToARowOfItsChangeSet(t *testing.T) {
	s := start(t)
	request := func(id, path, body string) string {
		return "--set\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: " + id + "\r\n\r\nPOST " + path +
			" HTTP/1.1\r\nContent-Type: application/json\r\n\r\n" + body + "\r\n"
	}
	sets := request("1", "opportunities", `{"name":"o"}`) +
		request("2", "WinOpportunity", `{"Status":3,"OpportunityClose":{"opportunityid@odata.bind":"$1"}}`) +
		request("3", "leads", `{"subject":"l","lastname":"l"}`) +
		request("4", "$3/Microsoft.Dynamics.CRM.QualifyLead", `{"CreateAccount":false,"CreateContact":false,"CreateOpportunity":false,"Status":-1}`) +
		request("5", "teams", `{"name":"t"}`) +
		request("6", "GrantAccess", `{"Target":{"@odata.id":"$1"},"PrincipalAccess":{"AccessMask":"ReadAccess","Principal":{"@odata.id":"$5"}}}`)
	r := send(t, s, "POST", "$batch", "--b\r\nContent-Type: multipart/mixed;boundary=set\r\n\r\n"+sets+"--set--\r\n\r\n--b--\r\n", "Content-Type: multipart/mixed;boundary=b")
	if r.status != http.StatusOK || strings.Contains(r.body, "HTTP/1.1 4") {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	states := emulator.Ask[string](t, s, `SELECT (SELECT statecode FROM opportunity) || (SELECT statecode FROM lead) || (SELECT count(*) FROM "$access")`)
	if states != "111" {
		t.Errorf("got %s: the opportunity won, the lead qualified, one share; want 111", states)
	}
}

func TestAClosedQuoteIsRevised(t *testing.T) {
	s := start(t)
	account := add(t, s, "accounts", `{"name":"Contoso"}`)
	quote := add(t, s, "quotes", `{"name":"q","quotenumber":"Q-1","customerid_account@odata.bind":"/accounts(`+account+`)","quote_details":[{"isproductoverridden":true,"productdescription":"Bike","quantity":2,"priceperunit":100}]}`)
	body := `{"QuoteId":"` + quote + `","ColumnSet":{"AllColumns":false,"Columns":["quotenumber","revisionnumber","totalamount"]}}`
	must(t, s, http.StatusBadRequest, "POST", "ReviseQuote", body)
	must(t, s, http.StatusNoContent, "PATCH", "quotes("+quote+")", `{"statecode":1}`)
	must(t, s, http.StatusNoContent, "POST", "CloseQuote", `{"Status":7,"QuoteClose":{"quoteid@odata.bind":"/quotes(`+quote+`)"}}`)
	r := must(t, s, http.StatusOK, "POST", "ReviseQuote", body)
	var row map[string]any
	if err := json.Unmarshal([]byte(r.body), &row); err != nil {
		t.Fatal(err)
	}
	if row["quotenumber"] != "Q-1" || row["revisionnumber"] != 1.0 || row["totalamount"] != 200.0 || row["quoteid"] == quote {
		t.Errorf("got %s", r.body)
	}
}

package emulator

import (
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// mapping says which columns a row of one table gives to a row of another that is made from it. A column is name, or
// source>target where the names differ; without columns, all go over that both tables have and a client may write.
type mapping struct {
	from, to string
	link     string // lookup of the new row to its origin
	columns  string
}

// What people, companies and their addresses have in common.
const (
	addressColumns = "address1_addresstypecode address1_city address1_country address1_county address1_fax address1_latitude " +
		"address1_line1 address1_line2 address1_line3 address1_longitude address1_name address1_postalcode " +
		"address1_postofficebox address1_shippingmethodcode address1_stateorprovince address1_telephone1 address1_telephone2 " +
		"address1_telephone3 address1_upszone address1_utcoffset "
	contactColumns = "donotbulkemail donotemail donotfax donotphone donotpostalmail donotsendmm emailaddress1 emailaddress2 " +
		"emailaddress3 fax telephone1 telephone2 telephone3 websiteurl preferredcontactmethodcode transactioncurrencyid ownerid "
	personColumns = "firstname middlename lastname yomifirstname yomimiddlename yomilastname salutation jobtitle mobilephone pager description "
)

func mappings() []mapping {
	return []mapping{
		{"lead", "account", "originatingleadid", addressColumns + contactColumns + "companyname>name yomicompanyname>yominame industrycode numberofemployees revenue sic description"},
		{"lead", "contact", "originatingleadid", addressColumns + contactColumns + personColumns + "leadsourcecode"},
		{"lead", "opportunity", "originatingleadid", "subject>name description budgetamount budgetstatus campaignid confirminterest " +
			"decisionmaker emailaddress1>emailaddress estimatedamount>estimatedvalue estimatedclosedate evaluatefit initialcommunication " +
			"leadqualitycode>opportunityratingcode need parentaccountid parentcontactid prioritycode purchaseprocess purchasetimeframe " +
			"qualificationcomments schedulefollowup_prospect schedulefollowup_qualify transactioncurrencyid ownerid"},
		{"account", "account", "parentaccountid", addressColumns + "industrycode territoryid transactioncurrencyid defaultpricelevelid"},
		{"account", "contact", "parentcustomerid", addressColumns + "telephone1 fax transactioncurrencyid paymenttermscode defaultpricelevelid"},
		{"account", "opportunity", "parentaccountid", "transactioncurrencyid defaultpricelevelid>pricelevelid"},
		{"contact", "opportunity", "parentcontactid", "transactioncurrencyid defaultpricelevelid>pricelevelid emailaddress1>emailaddress"},
		{"account", "incident", "customerid", ""},
		{"contact", "incident", "customerid", ""},
		{"opportunity", "quote", "opportunityid", "name customerid pricelevelid transactioncurrencyid campaignid discountamount " +
			"discountpercentage freightamount description emailaddress"},
		{"quote", "quote", "", "*"},
		{"quote", "salesorder", "quoteid", "*"},
		{"salesorder", "invoice", "salesorderid", "*"},
		{"opportunityproduct", "quotedetail", "", "*"},
		{"quotedetail", "quotedetail", "", "*"},
		{"quotedetail", "salesorderdetail", "quotedetailid", "*"},
		{"salesorderdetail", "invoicedetail", "salesorderdetailid", "*"},
	}
}

// mappingBetween finds the mapping between two tables.
func mappingBetween(from, to string) (mapping, bool) {
	all := mappings()
	i := slices.IndexFunc(all, func(m mapping) bool { return m.from == from && m.to == to })
	if i < 0 {
		return mapping{}, false
	}
	return all[i], true
}

// stateOfItsOwn are columns that a new row does not take over although both tables have them.
func stateOfItsOwn() []string {
	return []string{"statecode", "statuscode", "overriddencreatedon", "importsequencenumber", "processid", "stageid", "traversedpath"}
}

// pairs yields the columns of the mapping, source and target.
func (m mapping) pairs(source, target *schema.Table) (pairs [][2]*schema.Column) {
	if m.columns == "*" {
		for _, to := range target.Columns {
			from := source.Column(to.Logical)
			if from != nil && from.Type == to.Type && to.Create && !to.PrimaryID && to.Logical != m.link && !slices.Contains(stateOfItsOwn(), to.Logical) {
				pairs = append(pairs, [2]*schema.Column{from, to})
			}
		}
		return pairs
	}
	for name := range strings.FieldsSeq(m.columns) {
		give, take, renamed := strings.Cut(name, ">")
		if !renamed {
			take = give
		}
		if from, to := source.Column(give), target.Column(take); from != nil && to != nil {
			pairs = append(pairs, [2]*schema.Column{from, to})
		}
	}
	return pairs
}

// values are what the row gives to a new one, by physical column.
func (m mapping) values(source, target *schema.Table, id string, row map[string]any) map[string]any {
	values := map[string]any{}
	for _, pair := range m.pairs(source, target) {
		from, to := pair[0], pair[1]
		if !from.Stored() || !to.Stored() || row[from.Logical] == nil {
			continue
		}
		if to.IsLookup() {
			other, table := linkedIn(source, row, from.Logical)
			lookup(values, target, to.Logical, other, table)
			continue
		}
		values[to.Logical] = row[from.Logical]
	}
	lookup(values, target, m.link, id, source.Logical)
	return values
}

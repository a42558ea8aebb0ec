package seed

import (
	"fmt"
	"strings"
)

// addMessages lists the messages of the platform, and which table takes which: webhooks and plug-ins are registered
// by these ids.
func addMessages(l *loader) {
	known := map[string]string{}
	filters := 0
	for _, t := range l.schema.Tables {
		for _, name := range t.Messages {
			message, ok := known[name]
			if !ok {
				message = id("sdkmessage", len(known)+1)
				known[name] = message
				l.add("sdkmessage", messageRow(message, name))
			}
			filters++
			filter := id("sdkmessagefilter", filters)
			l.add("sdkmessagefilter", filterRow(filter, message, t.Logical))
		}
	}
}

// messageRow is a message.
func messageRow(id, name string) row {
	return row{
		{"sdkmessageid", id}, {"sdkmessageidunique", id}, {"name", name}, {"categoryname", ""},
		{"availability", 0}, {"customizationlevel", 0}, {"isreadonly", false}, {"autotransact", true},
		{"isvalidforexecuteasync", true}, {"solutionid", ActiveSolutionID}, {"ismanaged", true},
	}
}

// filterRow says that a table takes a message.
func filterRow(id, message, table string) row {
	return row{
		{"sdkmessagefilterid", id}, {"sdkmessagefilteridunique", id}, {"sdkmessageid", message},
		{"primaryobjecttypecode", table}, {"secondaryobjecttypecode", "none"}, {"availability", 0},
		{"customizationlevel", 0}, {"iscustomprocessingstepallowed", true}, {"isvisible", true},
		{"restrictionlevel", 0}, {"solutionid", ActiveSolutionID}, {"ismanaged", true}, {"workflowsdkstepenabled", true},
	}
}

// view is a public view: rows that meet all conditions, in the order of one column.
type view struct {
	table, name string
	isDefault   bool
	columns     string // separated by spaces
	conditions  []string
	order       string // column, with a minus sign in front for descending
}

const (
	active   = `<condition attribute="statecode" operator="eq" value="0" />`
	inactive = `<condition attribute="statecode" operator="eq" value="1" />`
	lost     = `<condition attribute="statecode" operator="eq" value="2" />`
	mine     = `<condition attribute="ownerid" operator="eq-userid" />`
)

const (
	accountColumns     = "name telephone1 address1_city primarycontactid"
	contactColumns     = "fullname parentcustomerid telephone1 emailaddress1"
	leadColumns        = "fullname subject statuscode createdon"
	opportunityColumns = "name customerid estimatedclosedate estimatedvalue closeprobability stepname ownerid"
	incidentColumns    = "title ticketnumber prioritycode caseorigincode customerid ownerid statuscode createdon"
	orderColumns       = "name customerid statuscode totalamount createdon"
	activityColumns    = "subject regardingobjectid prioritycode statecode scheduledend ownerid"
)

var views = []view{
	{"account", "Active Accounts", true, accountColumns, []string{active}, "name"},
	{"account", "My Active Accounts", false, accountColumns, []string{active, mine}, "name"},
	{"account", "Inactive Accounts", false, accountColumns, []string{inactive}, "name"},
	{"account", "All Accounts", false, accountColumns, nil, "name"},
	{"contact", "Active Contacts", true, contactColumns, []string{active}, "fullname"},
	{"contact", "My Active Contacts", false, contactColumns, []string{active, mine}, "fullname"},
	{"contact", "Inactive Contacts", false, contactColumns, []string{inactive}, "fullname"},
	{"lead", "Open Leads", true, leadColumns, []string{active}, "-createdon"},
	{"lead", "My Open Leads", false, leadColumns, []string{active, mine}, "-createdon"},
	{"lead", "Closed Leads", false, leadColumns, []string{`<condition attribute="statecode" operator="ne" value="0" />`}, "-createdon"},
	{"opportunity", "Open Opportunities", true, opportunityColumns, []string{active}, "estimatedclosedate"},
	{"opportunity", "My Open Opportunities", false, opportunityColumns, []string{active, mine}, "estimatedclosedate"},
	{"opportunity", "Won Opportunities", false, opportunityColumns, []string{inactive}, "-actualclosedate"},
	{"opportunity", "Lost Opportunities", false, opportunityColumns, []string{lost}, "-actualclosedate"},
	{"opportunity", "Opportunities Closing Next Month", false, opportunityColumns,
		[]string{active, `<condition attribute="estimatedclosedate" operator="next-month" />`}, "estimatedclosedate"},
	{"incident", "Active Cases", true, incidentColumns, []string{active}, "-createdon"},
	{"incident", "My Active Cases", false, incidentColumns, []string{active, mine}, "-createdon"},
	{"incident", "Resolved Cases", false, incidentColumns, []string{inactive}, "-modifiedon"},
	{"quote", "All Quotes", true, orderColumns, nil, "-createdon"},
	{"quote", "Active Quotes", false, orderColumns, []string{inactive}, "-createdon"},
	{"salesorder", "Active Orders", true, orderColumns, []string{active}, "-createdon"},
	{"invoice", "Active Invoices", true, orderColumns, []string{active}, "-createdon"},
	{"product", "Active Products, Families and Bundles", true, "name productnumber price statecode", []string{active}, "name"},
	{"campaign", "Active Campaigns", true, "name statuscode typecode proposedstart proposedend", []string{active}, "name"},
	{"list", "Active Marketing Lists", true, "listname createdfromcode membercount lastusedon", []string{active}, "listname"},
	{"competitor", "Active Competitors", true, "name websiteurl winpercentage", nil, "name"},
	{"knowledgearticle", "All Articles", true, "title articlepublicnumber statuscode modifiedon", nil, "-modifiedon"},
	{"activitypointer", "All Activities", true, "subject activitytypecode regardingobjectid statecode scheduledend", nil, "-scheduledend"},
	{"activitypointer", "My Activities", false, "subject activitytypecode regardingobjectid statecode scheduledend", []string{active, mine}, "scheduledend"},
	{"task", "All Tasks", true, activityColumns, nil, "scheduledend"},
	{"task", "My Tasks", false, activityColumns, []string{active, mine}, "scheduledend"},
	{"phonecall", "All Phone Calls", true, activityColumns, nil, "scheduledend"},
	{"email", "All Emails", true, "subject regardingobjectid statuscode senton", nil, "-modifiedon"},
	{"appointment", "All Appointments", true, "subject regardingobjectid scheduledstart scheduledend ownerid", nil, "scheduledstart"},
	{"systemuser", "Enabled Users", true, "fullname internalemailaddress businessunitid title",
		[]string{`<condition attribute="isdisabled" operator="eq" value="0" />`}, "fullname"},
	{"team", "All Teams", true, "name businessunitid administratorid", nil, "name"},
	{"queue", "All Queues", true, "name emailaddress ownerid", nil, "name"},
}

func addViews(l *loader) {
	for i, v := range views {
		viewID := id("savedquery", i)
		l.add("savedquery", row{
			{"savedqueryid", viewID}, {"savedqueryidunique", viewID}, {"name", v.name}, {"returnedtypecode", v.table},
			{"querytype", 0}, {"isdefault", v.isDefault}, {"isquickfindquery", false}, {"isuserdefined", false},
			{"iscustom", false}, {"ismanaged", true}, {"fetchxml", fetchXML(l, v)}, {"layoutxml", layoutXML(l, v)},
			{"solutionid", ActiveSolutionID}, {"introducedversion", "9.0.0.0"},
		})
	}
}

func fetchXML(l *loader, v view) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<fetch version="1.0" mapping="logical"><entity name="%s">`, v.table)
	for column := range strings.FieldsSeq(v.columns) {
		fmt.Fprintf(&b, `<attribute name="%s" />`, column)
	}
	fmt.Fprintf(&b, `<attribute name="%s" />`, l.schema.Table(v.table).PrimaryID)
	column, descending := strings.CutPrefix(v.order, "-")
	fmt.Fprintf(&b, `<order attribute="%s" descending="%t" />`, column, descending)
	if len(v.conditions) > 0 {
		fmt.Fprintf(&b, `<filter type="and">%s</filter>`, strings.Join(v.conditions, ""))
	}
	b.WriteString(`</entity></fetch>`)
	return b.String()
}

func layoutXML(l *loader, v view) string {
	t := l.schema.Table(v.table)
	var b strings.Builder
	jump, _, _ := strings.Cut(v.columns, " ")
	fmt.Fprintf(&b, `<grid name="resultset" object="%d" jump="%s" select="1" icon="1" preview="1"><row name="result" id="%s">`,
		t.TypeCode, jump, t.PrimaryID)
	for column := range strings.FieldsSeq(v.columns) {
		fmt.Fprintf(&b, `<cell name="%s" width="150" />`, column)
	}
	b.WriteString(`</row></grid>`)
	return b.String()
}

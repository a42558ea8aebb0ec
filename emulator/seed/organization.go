package seed

import "time"

// addOrganization adds the settings of an environment in US English, with quarters of the calendar year.
func addOrganization(l *loader, created time.Time) {
	r := row{
		{"organizationid", OrganizationID}, {"name", OrganizationName}, {"defaultcrmcustomname", OrganizationName},
		{"languagecode", 1033}, {"localeid", 1033}, {"organizationstate", 3}, {"initialversion", "9.2"},
		{"systemuserid", SystemUserID}, {"integrationuserid", IntegrationUserID}, {"supportuserid", SystemUserID},
		{"basecurrencyid", BaseCurrencyID}, {"basecurrencysymbol", "$"}, {"baseisocurrencycode", "USD"},
		{"basecurrencyprecision", 2}, {"currencydecimalprecision", 2}, {"pricingdecimalprecision", 2},
		{"currencydisplayoption", 0}, {"currencyformatcode", 0}, {"currencysymbol", "$"}, {"negativecurrencyformatcode", 1},
		{"fiscalcalendarstart", stamp(time.Date(created.Year(), 1, 1, 0, 0, 0, 0, time.UTC))},
		{"fiscalperiodtype", 2002}, {"isfiscalperiodmonthbased", false}, {"fiscalperiodformatperiod", 1},
		{"fiscalyeardisplaycode", 1}, {"fiscalyearformatprefix", 1}, {"fiscalyearformatsuffix", 3},
		{"fiscalyearformatyear", 1}, {"fiscalyearperiodconnect", " "}, {"fiscalsettingsupdated", true},
	}
	r = append(r, formatSettings...)
	l.add("organization", append(r, operationSettings...))
}

// formatSettings is how dates, numbers and names are written.
var formatSettings = row{
	{"dateformatcode", 1}, {"dateformatstring", "M/d/yyyy"}, {"dateseparator", "/"}, {"longdateformatcode", 1},
	{"timeformatcode", 0}, {"timeformatstring", "h:mm tt"}, {"timeseparator", ":"}, {"amdesignator", "AM"},
	{"pmdesignator", "PM"}, {"calendartype", 0}, {"weekstartdaycode", 0}, {"yearstartweekcode", 0},
	{"decimalsymbol", "."}, {"numberseparator", ","}, {"numberformat", "us"}, {"numbergroupformat", "3"},
	{"negativeformatcode", 1}, {"fullnameconventioncode", 1}, {"defaultcountrycode", "+1"},
}

// operationSettings is the rest of what every organization must have, as a new one has it.
var operationSettings = row{
	{"bulkoperationprefix", "BO"}, {"campaignprefix", "CMP"}, {"caseprefix", "CAS"}, {"categoryprefix", "CTG"},
	{"contractprefix", "CNR"}, {"invoiceprefix", "INV"}, {"kaprefix", "KA"}, {"kbprefix", "KBA"}, {"orderprefix", "ORD"},
	{"quoteprefix", "QUO"}, {"uniquespecifierlength", 6},
	{"currentcampaignnumber", 1000}, {"currentcasenumber", 1000}, {"currentcategorynumber", 1000},
	{"currentcontractnumber", 1000}, {"currentimportsequencenumber", 1}, {"currentinvoicenumber", 1000},
	{"currentkanumber", 1000}, {"currentkbnumber", 1000}, {"currentordernumber", 1000}, {"currentparsedtablenumber", 1},
	{"currentquotenumber", 1000}, {"discountcalculationmethod", 0}, {"emailconnectionchannel", 0},
	{"emailsendpollingperiod", 10}, {"expirechangetrackingindays", 7}, {"expiresubscriptionsindays", 90},
	{"dayssincerecordlastmodifiedmaxvalue", 90}, {"futureexpansionwindow", 12}, {"pastexpansionwindow", 3},
	{"goalrollupexpirytime", 30}, {"goalrollupfrequency", 24}, {"isvintegrationcode", 0},
	{"mailboxintermittentissueminrange", 100}, {"mailboxpermanentissueminrange", 50}, {"maxactionstepsinbpf", 10},
	{"maxappointmentdurationdays", 10}, {"maxdepthforhierarchicalsecuritymodel", 3},
	{"maxfolderbasedtrackingmappings", 25}, {"maximumdynamicpropertiesallowed", 50}, {"maxproductsinbundle", 15},
	{"maxrecordsforexporttoexcel", 100000}, {"maxrecordsforlookupfilters", 40000},
	{"maxsupportedinternetexplorerversion", 11}, {"maxuploadfilesize", 10485760}, {"maxverboseloggingmailbox", 10},
	{"maxverboseloggingsynccycles", 50}, {"metadatasynctimestamp", 0}, {"minaddressbooksyncinterval", 60000},
	{"minofflinesyncinterval", 15000}, {"minoutlooksyncinterval", 15000}, {"mobileofflineminlicenseprod", 20},
	{"mobileofflineminlicensetrial", 1}, {"mobileofflinesyncinterval", 5}, {"nextcustomobjecttypecode", 10700},
	{"parsedtablecolumnprefix", "Col"}, {"parsedtableprefix", "ParsedTable"}, {"plugintracelogsetting", 0},
	{"recurrencedefaultnumberofoccurrences", 10}, {"recurrenceexpansionjobbatchinterval", 20},
	{"recurrenceexpansionjobbatchsize", 50}, {"recurrenceexpansionsynchcreatemax", 15}, {"reportscripterrors", 1},
	{"signupoutlookdownloadfwlink", "https://contoso.example/outlook"}, {"tagmaxaggressivecycles", 36},
	{"tagpollingperiod", 3600}, {"useraccessauditinginterval", 4}, {"webresourcehash", "0"},
	{"isauditenabled", false}, {"sessiontimeoutinmins", 1440}, {"sessiontimeoutreminderinmins", 20},
	{"blockedattachments", "ade;adp;bat;cmd;com;cpl;crt;exe;hta;inf;ins;isp;js;jse;lnk;msi;pif;reg;scr;vb;vbe;vbs;wsf;wsh"},
}

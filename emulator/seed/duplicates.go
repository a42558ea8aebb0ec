package seed

// addDuplicateRules adds the rules that every environment has in force.
func addDuplicateRules(l *loader) {
	for i, r := range []struct{ name, table, column string }{
		{"Accounts with the same Account Name", "account", "name"},
		{"Contacts with the same e-mail address", "contact", "emailaddress1"},
		{"Leads with the same e-mail address", "lead", "emailaddress1"},
	} {
		ruleID := id("duplicaterule", i)
		l.add("duplicaterule", row{
			{"duplicateruleid", ruleID}, {"componentidunique", ruleID}, {"name", r.name}, {"uniquename", r.table + "_" + r.column},
			{"baseentityname", r.table}, {"baseentitytypecode", l.schema.Table(r.table).TypeCode},
			{"matchingentityname", r.table}, {"matchingentitytypecode", l.schema.Table(r.table).TypeCode},
			{"excludeinactiverecords", false}, {"iscasesensitive", false}, {"statecode", 1}, {"statuscode", 2},
			{"ownerid", owner{AdministratorID, RootBusinessUnitID}}, {"solutionid", ActiveSolutionID},
		})
		l.add("duplicaterulecondition", row{
			{"duplicateruleconditionid", id("duplicaterulecondition", i)}, {"uniqueruleid", ruleID}, {"regardingobjectid", ruleID},
			{"baseattributename", r.column}, {"matchingattributename", r.column}, {"operatorcode", 0}, {"ignoreblankvalues", true},
			{"ownerid", AdministratorID},
		})
	}
}

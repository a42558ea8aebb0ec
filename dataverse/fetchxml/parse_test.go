package fetchxml

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everything has each element and most attributes once.
const everything = `<?xml version="1.0" encoding="utf-8"?>
<!-- accounts of people -->
<fetch version="1.0" mapping='logical' count="3" page="2" paging-cookie="&lt;cookie page=&quot;1&quot;/&gt;" distinct="1"
	returntotalrecordcount="True" no-lock="false" latematerialize="true" useraworderby="true" options="RecompileHint" datasource="retained"
	savedqueryid="00000000-0000-0000-00aa-000010001002" xmlns:generator="other">
	<entity name="account" enableprefiltering="1">
		<attribute name="name" alias="n" build="1.5" />
		<attribute name="accountid" rowaggregate="CountChildren" alias="children" />
		<order attribute="name" descending="true" />
		<order attribute="fullname" entityname="c" />
		<filter type="or" isquickfindfields="1" hint="union">
			<condition attribute="name" operator="like" value="%A &amp; B%" uiname="x" uitype="account" />
			<condition attribute="industrycode" operator="in"><value uiname="One">1</value><value><![CDATA[<2>]]></value></condition>
			<condition entityname="c" attribute="firstname" operator="eq" valueof="lastname" />
			<filter><condition attribute="createdon" operator="last-x-days" value="7" /></filter>
			<link-entity name="task" from="regardingobjectid" to="accountid" link-type="not any">
				<filter><condition attribute="statecode" operator="eq" value="0" /></filter>
			</link-entity>
		</filter>
		<link-entity name="contact" from="contactid" to="primarycontactid" alias="c" link-type="outer" intersect="true" visible="false">
			<all-attributes />
		</link-entity>
	</entity>
</fetch>`

func TestAQueryParsesIntoItsTree(t *testing.T) {
	want := &Fetch{
		Version: "1.0", Mapping: "logical", Count: 3, Page: 2, PagingCookie: `<cookie page="1"/>`, Distinct: true,
		TotalRecordCount: true, LateMaterialize: true, RawOrderBy: true, QueryHints: "RecompileHint", DataSource: "retained",
		Entity: Entity{Name: "account", Body: Body{
			Attributes: []Attribute{{Name: "name", Alias: "n"}, {Name: "accountid", Alias: "children", RowAggregate: "CountChildren"}},
			Orders:     []Order{{Attribute: "name", Descending: true}, {Attribute: "fullname", EntityName: "c"}},
			Filters: []Filter{{
				Or: true, QuickFind: true, Hint: "union",
				Conditions: []Condition{
					{Attribute: "name", Operator: "like", Values: []string{"%A & B%"}},
					{Attribute: "industrycode", Operator: "in", Values: []string{"1", "<2>"}},
					{EntityName: "c", Attribute: "firstname", Operator: Eq, ValueOf: "lastname"},
				},
				Filters: []Filter{{Conditions: []Condition{{Attribute: "createdon", Operator: "last-x-days", Values: []string{"7"}}}}},
				Links: []Link{{Name: "task", From: "regardingobjectid", To: "accountid", Type: NotAny, Body: Body{
					Filters: []Filter{{Conditions: []Condition{{Attribute: "statecode", Operator: Eq, Values: []string{"0"}}}}}}}},
			}},
			Links: []Link{{Name: "contact", From: "contactid", To: "primarycontactid", Alias: "c", Type: Outer, Intersect: true, Body: Body{All: true}}},
		}},
	}
	got, err := Parse(everything)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoFetchXMLIsRefused(t *testing.T) {
	entity := func(content string) string { return `<fetch><entity name="account">` + content + `</entity></fetch>` }
	condition := func(rest string) string { return entity(`<filter><condition attribute="name" ` + rest + `</filter>`) }
	for query, want := range map[string]string{
		"":                         codeEmpty,
		"<!-- nothing -->":         codeNoElement + " no element fetch",
		"fetch":                    codeInvalidXML + " outside of an element",
		"<fetch>":                  codeInvalidXML + " unexpected EOF",
		"<fetch/>":                 codeElementMissing + " must have one element entity",
		"<Fetch/>":                 codeInvalidNode + " did you mean fetch?",
		"<f:fetch xmlns:f='urn'/>": codeInvalidNode,
		"<fetch><entity/></fetch>": codeAttributeMissing + " the attribute name",
		"<fetch><entity name='a'/></fetch><fetch/>":                                                          codeInvalidXML + " more than one root",
		"<fetch><entity name='a'/><entity name='b'/></fetch>":                                                codeElementMissing,
		"<!DOCTYPE fetch [<!ENTITY a 'b'>]><fetch/>":                                                         codeInvalidXML + " document type",
		"<?php x?><fetch/>":                                                                                  codeInvalidXML + " processing instruction php",
		"<fetch><entity name='&a;'/></fetch>":                                                                codeInvalidXML,
		"<fetch tpo='5'><entity name='a'/></fetch>":                                                          codeInvalidXML + " did you mean top?",
		"<fetch top='5' top='6'><entity name='a'/></fetch>":                                                  codeInvalidXML + " twice",
		"<fetch top='0'><entity name='a'/></fetch>":                                                          codeNotPositive + " at least 1 and at most 5000",
		"<fetch top='5001'><entity name='a'/></fetch>":                                                       codeInvalidValue + " at least 1 and at most 5000",
		"<fetch page='0'><entity name='a'/></fetch>":                                                         codeNotPositive,
		"<fetch top='x'><entity name='a'/></fetch>":                                                          codeInvalidValue + " want a whole number",
		"<fetch top='5' page='2'><entity name='a'/></fetch>":                                                 codeInvalidValue + " top attribute can't be specified",
		"<fetch top='5' returntotalrecordcount='1'><entity name='a'/></fetch>":                               codeInvalidValue + " returntotalrecordcount",
		"<fetch distinct='yes'><entity name='a'/></fetch>":                                                   "0x80041115 want true or false",
		"<fetch mapping='physical'><entity name='a'/></fetch>":                                               "0x80041116 known: internal, logical",
		"<fetch>x<entity name='a'/></fetch>":                                                                 codeInvalidXML + ` the text "x"`,
		"<fetch><entity name='a'>\n\n<colum/></entity></fetch>":                                              codeInvalidNode + " line 3:",
		entity(`<attribute/>`):                                                                               codeAttributeMissing,
		entity(`<attribute name="a" alias="b.c"/>`):                                                          codeInvalidAlias,
		entity(`<attribute name="a" alias="x"/><attribute name="b" alias="x"/>`):                             codeDuplicateAlias,
		entity(`<link-entity name="b" alias="x"/><link-entity name="c" alias="X"/>`):                         codeDuplicateAlias,
		entity(`<link-entity name="b" alias="x"><link-entity name="c" alias="x"/></link-entity>`):            codeDuplicateAlias,
		entity(`<attribute name="a" aggregate="sum" alias="x"/>`):                                            codeAggregateMissing + ` aggregate="true"`,
		entity(`<order alias="a"/>`):                                                                         codeOrderAlias,
		entity(`<order/>`):                                                                                   codeOrderUnnamed,
		entity(`<filter type="xor"/>`):                                                                       "0x80041122",
		entity(`<filter><attribute name="a"/></filter>`):                                                     codeInvalidNode,
		entity(`<filter><link-entity name="b" link-type="inner"/></filter>`):                                 "0x80041117 must be of link-type any",
		entity(`<link-entity name="b" link-type="left"/>`):                                                   "0x80041117",
		entity(`<link-entity name="b" link-type="any"><attribute name="c"/></link-entity>`):                  codeInvalidNode + " neither attributes",
		entity(strings.Repeat(`<link-entity name="b"/>`, 16)):                                                codeLinks,
		entity(strings.Repeat(`<filter>`, 40)):                                                               codeInvalidXML + " nested deeper than 32",
		entity(`<filter>` + strings.Repeat(`<condition attribute="a" operator="null"/>`, 501) + `</filter>`): codeConditions,
		condition(`operator="eqs" value="1"/>`):                                                              codeInvalidOperator + " did you mean eq?",
		condition(`operator="last-7-days"/>`):                                                                codeInvalidOperator + " did you mean last-x-days?",
		condition(`operator="eq"/>`):                                                                         codeInvalidCondition + " one value, not 0",
		condition(`operator="null" value="1"/>`):                                                             codeInvalidCondition + " no value, not 1",
		condition(`operator="between" value="1"/>`):                                                          codeInvalidCondition + " two values, not 1",
		condition(`operator="last-x-days" value="few"/>`):                                                    codeInvalidCondition + ` one whole number, not "few"`,
		condition(`operator="like" valueof="b"/>`):                                                           codeInvalidCondition + " valueof",
		condition(`operator="in">` + strings.Repeat("<value/>", 2001) + `</condition>`):                      codeParameters,
		`<fetch aggregate="true"><entity name="a"><attribute name="b" alias="c"/></entity></fetch>`:          codeAggregateMissing,
		`<fetch aggregate="true"><entity name="a"><attribute name="b" aggregate="sum"/></entity></fetch>`:    codeNoAlias,
		`<fetch aggregate="true"><entity name="a"><attribute name="b" aggregate="sum" groupby="true" alias="c"/></entity></fetch>`: codeGroupAggregate,
		`<fetch aggregate="true"><entity name="a"><attribute name="b" aggregate="total" alias="c"/></entity></fetch>`:              "0x8004111a",
		`<fetch aggregate="true"><entity name="a"><order attribute="b"/></entity></fetch>`:                                         codeOrderAttribute,
		"<fetch>" + strings.Repeat(" ", MaxBytes) + "</fetch>":                                                                     codeInvalidXML + " bytes",
	} {
		_, err := Parse(query)
		var fault *Error
		if !errors.As(err, &fault) {
			t.Errorf("%.200s: no fault, want %s", query, want)
			continue
		}
		code, text, _ := strings.Cut(want, " ")
		if fault.Code != code || !strings.Contains(err.Error(), text) {
			t.Errorf("%.200s:\n got %s %v\nwant %s", query, fault.Code, err, want)
		}
	}
}

func TestEveryOperatorTakesItsOperands(t *testing.T) {
	for operator, takes := range operators {
		least, most := takes.count()
		for n := range 4 {
			query := fmt.Sprintf(`<fetch><entity name="a"><filter><condition attribute="b" operator="%s">%s</condition></filter></entity></fetch>`,
				operator, strings.Repeat("<value>1</value>", n))
			_, err := Parse(query)
			if want := n >= least && n <= most; (err == nil) != want {
				t.Errorf("%s with %d values: %v, want accepted %t", operator, n, err, want)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(everything)
	for seed := range uint64(20) {
		f.Add(newRandom(seed).fetch().String())
	}
	f.Add("<!DOCTYPE a><fetch/>")
	f.Add(`<fetch aggregate="1"><entity name="a"><attribute name="b" alias="c" groupby="1" dategrouping="week" usertimezone="0"/></entity></fetch>`)
	f.Fuzz(func(t *testing.T, text string) {
		want, err := Parse(text)
		if err != nil {
			return
		}
		got, err := Parse(want.String())
		if err != nil {
			t.Fatalf("%q prints as %q: %v", text, want, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q prints as %q (-want +got):\n%s", text, want, diff)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(everything)))
	for b.Loop() {
		if _, err := Parse(everything); err != nil {
			b.Fatal(err)
		}
	}
}

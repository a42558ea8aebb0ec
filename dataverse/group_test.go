package dataverse_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

func TestGroupsCountAndAddUpLargestFirst(t *testing.T) {
	c := emulated(t)
	litware := create(t, c, "account", dataverse.Values{"name": "Litware"})
	for i, source := range []any{"Web", "Web", "Partner", nil, "Web"} {
		create(t, c, "lead", dataverse.Values{
			"lastname": fmt.Sprint("Lead ", i), "leadsourcecode": source, "revenue": 10 * (i + 1),
			"parentaccountid": map[bool]any{true: "account(" + litware + ")"}[i < 2],
		})
	}
	groups, err := c.Groups(t.Context(), "Lead", dataverse.Grouping{
		Filter: "statecode eq 'Open' and lastname ne 'Lead 4'", By: []string{"leadsourcecode", "parentaccountid"}, Sum: "revenue"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range groups {
		account := g.Values.Value("parentaccountid")
		got = append(got, fmt.Sprintf("%s|%s %s|%d|%v", g.Values.Value("leadsourcecode").Label, account.Table, account.Label, g.N, g.Sum.Raw))
	}
	want := []string{"Web|account Litware|2|30.0000", "| |1|40.0000", "Partner| |1|30.0000"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	all, err := c.Groups(t.Context(), "lead", dataverse.Grouping{Sum: "revenue"})
	if err != nil || len(all) != 1 || all[0].N != 5 {
		t.Errorf("no columns: got %v, %v, want one group of 5", all, err)
	}
}

func TestColumnsThatMakeNoGroupsAreRefused(t *testing.T) {
	s := &service{rows: always(200, `{"value":[]}`)}
	c := start(t, s)
	for want, g := range map[string]dataverse.Grouping{
		"cannot be grouped by a date":        {By: []string{"createdon"}},
		"column of type MultiSelectPicklist": {By: []string{"new_colors"}},
		`has no column "nam"`:                {By: []string{"nam"}},
		"want a number or money to add up":   {By: []string{"name"}, Sum: "name"},
		`has no column "revenu"`:             {Sum: "revenu"},
		`has no choice "Opened"`:             {Filter: "statecode eq 'Opened'"},
	} {
		if _, err := c.Groups(t.Context(), "account", g); dataverse.KindOf(err) != dataverse.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want Invalid: %s", g, err, want)
		}
	}
	if n := len(s.requests()); n > 0 {
		t.Errorf("got %d requests, want none", n)
	}
}

func TestGroupsAskForOneAggregate(t *testing.T) {
	s := &service{rows: always(200, `{"value":[]}`)}
	c := start(t, s)
	if _, err := c.Groups(t.Context(), "account", dataverse.Grouping{
		Filter: "revenue gt 5", By: []string{"primarycontactid", "industrycode", "industrycode"}, Sum: "revenue"}); err != nil {
		t.Fatal(err)
	}
	query, err := url.QueryUnescape(s.last(t).Query)
	want := "$apply=filter(revenue gt 5)/groupby((_primarycontactid_value,industrycode),aggregate($count as n,revenue with sum as total))"
	if err != nil || query != want {
		t.Errorf("got  %s\nwant %s", query, want)
	}
}

func TestTooManyRowsToGroupAskForANarrowerFilter(t *testing.T) {
	c := start(t, &service{rows: always(400, `{"error":{"code":"0x8004E023","message":"The maximum record limit is exceeded."}}`)})
	_, err := c.Groups(t.Context(), "account", dataverse.Grouping{By: []string{"industrycode"}})
	if dataverse.KindOf(err) != dataverse.Invalid || !strings.Contains(err.Error(), "more than 50,000 rows match") {
		t.Errorf("got %v, want Invalid that asks for a narrower filter", err)
	}
}

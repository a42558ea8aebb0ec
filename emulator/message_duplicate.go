package emulator

import (
	"context"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/store"
)

var retrieveDuplicates = message{
	name: "RetrieveDuplicates",
	parameters: []parameter{
		{name: "BusinessEntity", kind: "crmbaseentity"},
		{name: "MatchingEntityName", kind: "Edm.String"},
		{name: "PagingInfo", kind: "PagingInfo", optional: true},
	},
	result: "Collection(crmbaseentity)",
	answer: func(c *call, args arguments) error {
		matching := c.schema.Table(args.text("MatchingEntityName"))
		if matching == nil {
			return noSuchTable(args.text("MatchingEntityName"))
		}
		var where fragment
		err := c.db.Read(c.context(), func(ctx context.Context, q store.Querier) (err error) {
			where, err = c.duplicatesOf(ctx, q, args.object("BusinessEntity"), matching)
			return err
		})
		if err != nil {
			return err
		}
		return c.collection(matching, source{where: args.page(matching, where)})
	},
}

var publishDuplicateRule = message{
	name:   "PublishDuplicateRule",
	action: true,
	bound:  "duplicaterule",
	result: "asyncoperation",
	act: func(ctx context.Context, a *acting) error {
		if err := a.change(ctx, a.bound, map[string]any{"statecode": int64(1), "statuscode": int64(rulePublished)}); err != nil {
			return err
		}
		return a.answerJob(ctx, map[string]any{"name": "Publish duplicate rule", "operationtype": int64(operationPublishRule), "messagename": "PublishDuplicateRule"})
	},
}

var unpublishDuplicateRule = message{
	name:       "UnpublishDuplicateRule",
	action:     true,
	parameters: []parameter{{name: "DuplicateRuleId", kind: "Edm.Guid"}},
	act: func(ctx context.Context, a *acting) error {
		rule := location{table: a.schema.Table("duplicaterule"), id: strings.ToLower(a.text("DuplicateRuleId"))}
		return a.change(ctx, rule, map[string]any{"statecode": int64(0), "statuscode": int64(0)})
	},
}

// duplicatesOf are the rows of the matching table that the rules take for duplicates of the row given: of what stands,
// where it has an id, with the values given over it.
func (c *call) duplicatesOf(ctx context.Context, q store.Querier, object members, matching *schema.Table) (fragment, error) {
	t, err := c.tableOf("crmbaseentity", object)
	if err != nil {
		return fragment{}, err
	}
	row := &entry{table: t, values: map[string]any{}}
	if _, ok := object.get("@odata.id"); ok {
		l, err := c.referred(ctx, "crmbaseentity", object)
		if err != nil {
			return fragment{}, err
		}
		row.id = l.id
	} else if row, err = (entering{c, true, false}).entry(ctx, t, object); err != nil {
		return fragment{}, err
	}
	stands := map[string]any{}
	if row.id != "" {
		if stands, err = load(ctx, q, t, row.id); err != nil {
			return fragment{}, err
		}
	}
	values := func(column string) any {
		if v, ok := row.values[column]; ok {
			return v
		}
		return stands[column]
	}
	rules, err := c.duplicateRules(ctx, q, t)
	if err != nil {
		return fragment{}, err
	}
	found := []fragment{{sql: "0"}}
	for _, rule := range rules {
		if where, ok := rule.duplicates(values, row.id); ok && rule.matching == matching {
			found = append(found, where)
		}
	}
	return joined(" OR ", found), nil
}

// page narrows rows to those on the page that PagingInfo asks for.
func (a arguments) page(t *schema.Table, where fragment) fragment {
	info := a.object("PagingInfo")
	number := func(name string) int64 {
		n, _ := info.get(name)
		i, _ := strconv.ParseInt(literalText(n), 10, 32)
		return i
	}
	count, page := number("Count"), max(number("PageNumber"), 1)
	if count <= 0 {
		return where
	}
	id := columnOf(rowAlias, t.PrimaryID)
	return concat(id, " IN (SELECT ", id, " FROM "+store.Quote(t.Logical)+" "+rowAlias+" WHERE ", where,
		" ORDER BY ", id, " LIMIT ", value(count), " OFFSET ", value((page-1)*count), ")")
}

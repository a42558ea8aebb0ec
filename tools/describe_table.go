package tools

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
)

var describeTableTool = define(Spec{
	Name:   "describe_table",
	Title:  "Describe a table",
	Doc:    "Describe a table: columns with their types. Name columns for all details, or include relationships (for expand), choices and keys.",
	Effect: Reads,
}, describeTable)

func describeTable(ctx context.Context, d Deps, in describeTableIn) (describeTableOut, error) {
	t, err := d.Dataverse.Table(ctx, in.Table, slices.DeleteFunc(slices.Clone(in.Columns), isPattern)...)
	if err != nil {
		return describeTableOut{}, err
	}
	if t, err = withServedTargets(ctx, d, t); err != nil {
		return describeTableOut{}, err
	}
	out := describeTableOut{
		Table: t.LogicalName, Name: t.DisplayName, Set: t.SetName,
		PrimaryID: t.PrimaryID, PrimaryName: t.PrimaryName,
	}
	if len(in.Columns) > 0 {
		if out.Details, err = describeColumns(t, in.Columns); err != nil {
			return describeTableOut{}, err
		}
	} else {
		out = overview(out, t)
	}
	for _, part := range in.Include {
		switch part {
		case "relationships":
			out.Relationships = relationshipsOf(t)
		case "choices":
			out.Choices = choicesOf(t)
		case "keys":
			out.Keys = keysOf(t)
		}
	}
	return out, nil
}

// withServedTargets is t without the tables that its lookups could point to if the environment had them.
func withServedTargets(ctx context.Context, d Deps, t *dataverse.Table) (*dataverse.Table, error) {
	tables, err := d.Dataverse.Tables(ctx)
	if err != nil {
		return nil, err
	}
	served := make(map[string]bool, len(tables))
	for _, info := range tables {
		served[info.LogicalName] = info.SetName != ""
	}
	own := *t
	own.Columns = slices.Clone(t.Columns)
	for i := range own.Columns {
		c := &own.Columns[i]
		c.Targets = slices.DeleteFunc(slices.Clone(c.Targets), func(name string) bool { return !served[name] })
	}
	return &own, nil
}

// isPattern tells address1_* from the name of a column.
func isPattern(name string) bool { return strings.ContainsAny(name, `*?[\`) }

// describeColumns returns all that is known of the columns that names and patterns stand for, each once.
func describeColumns(t *dataverse.Table, names []string) ([]columnDetail, error) {
	found, seen := []columnDetail{}, map[string]bool{}
	add := func(c *dataverse.Column) {
		if !seen[c.LogicalName] {
			seen[c.LogicalName] = true
			found = append(found, detailOf(c))
		}
	}
	for _, name := range names {
		matched := false
		for i := range t.Columns {
			c := &t.Columns[i]
			if ok, err := path.Match(strings.ToLower(name), c.LogicalName); ok && err == nil {
				matched = true
				add(c)
			}
		}
		if matched {
			continue
		}
		c, err := t.ColumnNamed(name)
		if err != nil {
			return nil, err
		}
		add(c)
	}
	return found, nil
}

func detailOf(c *dataverse.Column) columnDetail {
	detail := columnDetail{
		Name: c.LogicalName, Label: c.DisplayName, Type: typeOf(c, len(c.Targets)), Description: c.Description,
		Required: required(c), Create: c.Create, Update: c.Update, Min: c.Min, Max: c.Max, Format: c.Format,
	}
	if hasChoices(c) {
		detail.Choices = choiceMap(c)
	}
	return detail
}

// hasChoices leaves out yes and no, which need no explanation.
func hasChoices(c *dataverse.Column) bool {
	_, _, named := twoWords(c)
	return named || c.Type != dataverse.BooleanColumn && len(c.Choices) > 0
}

func choiceMap(c *dataverse.Column) map[string]int64 {
	var l legend
	for _, choice := range c.Choices {
		l.choice(c.LogicalName, choice.Label, int64(choice.Value))
	}
	return l.Choices[c.LogicalName]
}

func choicesOf(t *dataverse.Table) map[string]map[string]int64 {
	all := map[string]map[string]int64{}
	for i := range t.Columns {
		c := &t.Columns[i]
		if hasChoices(c) {
			all[c.LogicalName] = choiceMap(c)
		}
	}
	return all
}

func keysOf(t *dataverse.Table) map[string][]string {
	keys := map[string][]string{}
	for _, k := range t.Keys {
		if k.Active {
			keys[k.Name] = k.Columns
		}
	}
	return keys
}

// relationshipsOf lists what expand takes, with the table that each leads to.
func relationshipsOf(t *dataverse.Table) *relationships {
	r := &relationships{One: map[string]string{}, Many: map[string]string{}}
	for _, rel := range t.ManyToOne {
		if rel.ReferencingNav != "" {
			r.One[rel.ReferencingNav] = rel.Referenced
		}
	}
	for _, rel := range t.OneToMany {
		if rel.ReferencedNav != "" {
			r.Many[rel.ReferencedNav] = rel.Referencing + "." + rel.ReferencingColumn
		}
	}
	for _, rel := range t.ManyToMany {
		if rel.Table1 == t.LogicalName && rel.Nav1 != "" {
			r.Many[rel.Nav1] = rel.Table2
		}
		if rel.Table2 == t.LogicalName && rel.Nav2 != "" {
			r.Many[rel.Nav2] = rel.Table1
		}
	}
	return r
}

// overviewBytes keeps the first look at a wide table affordable.
const overviewBytes = 12<<10 - 64

// overview gives each column one line, for as many columns as the budget holds:
// the useful ones first. Whatever has no line is named or counted, so that
// nothing is hidden.
func overview(out describeTableOut, t *dataverse.Table) describeTableOut {
	ranked := make([]*dataverse.Column, len(t.Columns))
	for i := range t.Columns {
		ranked[i] = &t.Columns[i]
	}
	slices.SortStableFunc(ranked, func(a, b *dataverse.Column) int { return rank(t, a) - rank(t, b) })
	part := func(k int) any { return firstColumns(out, ranked, k) }
	fits := func(v any) bool {
		text, err := compact(v)
		return err == nil && len(text) <= overviewBytes
	}
	shown, _ := slices.BinarySearchFunc(ranked, lastUseful, func(c *dataverse.Column, last int) int {
		if rank(t, c) <= last {
			return -1
		}
		return 1
	})
	if !fits(part(shown)) {
		shown = mostThatFit(shown, part, fits)
	}
	return firstColumns(out, ranked, shown)
}

func firstColumns(out describeTableOut, ranked []*dataverse.Column, shown int) describeTableOut {
	out.Columns = make(map[string]string, shown)
	for _, c := range ranked[:shown] {
		out.Columns[c.LogicalName] = line(c)
	}
	if rest := len(ranked) - shown; rest > 0 {
		out.Note = fmt.Sprintf("%d of %d columns are left out (bookkeeping, base-currency copies and rarely used ones): "+
			`columns:["*"] or a pattern such as "address2_*" describes them`, rest, len(ranked))
	}
	return out
}

// Ranks of columns in an overview, from what everybody asks for to what hardly
// anybody does.
const (
	rankNeeded = iota
	rankCustom
	rankUsual
	rankRare
	lastUseful   = rankRare
	rankInternal = iota
)

func rank(t *dataverse.Table, c *dataverse.Column) int {
	name := c.LogicalName
	switch {
	case name == t.PrimaryID, name == t.PrimaryName, required(c):
		return rankNeeded
	case c.Custom:
		return rankCustom
	case !c.Read, strings.HasSuffix(name, "_base"), bookkeeping(name):
		return rankInternal
	case strings.HasPrefix(name, "address2_"), strings.HasPrefix(name, "address3_"), strings.HasPrefix(name, "yomi"):
		return rankRare
	default:
		return rankUsual
	}
}

func bookkeeping(name string) bool {
	switch name {
	case "importsequencenumber", "overriddencreatedon", "timezoneruleversionnumber", "utcconversiontimezonecode",
		"versionnumber", "exchangerate", "processid", "stageid", "traversedpath", "createdonbehalfby",
		"modifiedonbehalfby", "owningteam", "owninguser", "owningbusinessunit", "entityimage_timestamp", "entityimage_url",
		"entityimageid", "onholdtime", "lastonholdtime":
		return true
	}
	return false
}

// line is a column in a few words: its type, and its label where the name does
// not give it away.
func line(c *dataverse.Column) string {
	words := typeOf(c, maxTargets)
	if required(c) {
		words += " required"
	}
	if !c.Create && !c.Update {
		words += " read-only"
	}
	if label := letters(c.DisplayName); label != "" && !strings.Contains(letters(c.LogicalName), label) {
		words += "; " + c.DisplayName
	}
	return words
}

// required tells columns that a form or the service insists on and does not
// fill in itself.
func required(c *dataverse.Column) bool {
	filledIn := c.Type == dataverse.GUIDColumn || c.Type == dataverse.OwnerColumn || c.Type == dataverse.StateColumn
	return c.Create && !filledIn &&
		(c.Required == dataverse.ApplicationRequired || c.Required == dataverse.SystemRequired)
}

// maxTargets is how many tables of a lookup the overview names.
const maxTargets = 6

// typeOf is the type of a column, with at most so many of the tables that a lookup may point to.
func typeOf(c *dataverse.Column, most int) string {
	switch c.Type {
	case dataverse.StringColumn:
		return sized("text", c.MaxLength)
	case dataverse.MemoColumn:
		return sized("memo", c.MaxLength)
	case dataverse.DecimalColumn, dataverse.MoneyColumn, dataverse.IntegerColumn, dataverse.BigIntColumn, dataverse.DoubleColumn:
		return strings.ToLower(string(c.Type))
	case dataverse.LookupColumn, dataverse.CustomerColumn, dataverse.OwnerColumn:
		words := "lookup " + strings.Join(c.Targets[:min(most, len(c.Targets))], ",")
		if more := len(c.Targets) - most; more > 0 {
			words += fmt.Sprintf(" and %d more", more)
		}
		return words
	case dataverse.BooleanColumn:
		if no, yes, ok := twoWords(c); ok {
			return fmt.Sprintf("boolean (true: %s, false: %s)", yes, no)
		}
		return "boolean"
	case dataverse.DateTimeColumn:
		if c.Behavior == "DateOnly" || c.Format == "DateOnly" {
			return "date"
		}
		return "datetime"
	case dataverse.ChoiceColumn:
		return "choice"
	case dataverse.ChoicesColumn:
		return "choices"
	case dataverse.GUIDColumn:
		return "id"
	case dataverse.PartyListColumn:
		return "list of references or addresses"
	default:
		return strings.ToLower(string(c.Type))
	}
}

func sized(word string, n int) string {
	if n == 0 {
		return word
	}
	return fmt.Sprintf("%s(%d)", word, n)
}

// letters is s without what labels and names write differently.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r > 127:
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, s)
}

// fit implements fitter: as many details as there is room for; where there are none to drop, the overview alone.
func (o describeTableOut) fit(fits func(any) bool) any {
	part := func(k int) any {
		short := o
		short.Details = o.Details[:k]
		short.Note = fmt.Sprintf("%d columns did not fit: name fewer of them", len(o.Details)-k)
		return short
	}
	if n := mostThatFit(len(o.Details), part, fits); n > 0 {
		return part(n)
	}
	short := o
	short.Details, short.Choices, short.Relationships = nil, nil, nil
	short.Note = "too much for one reply: include one thing at a time, or name columns for their choices"
	return short
}

type describeTableIn struct {
	Table   string   `json:"table" jsonschema:"minLength=1" jsonschema_description:"Table by logical, set, schema or display name."`
	Columns []string `json:"columns,omitempty" jsonschema_description:"Names or patterns (address1_*) to describe in full, with their choices."`
	Include []string `json:"include,omitempty" jsonschema:"enum=relationships,enum=choices,enum=keys"`
}

type describeTableOut struct {
	Table         string                      `json:"table"`
	Name          string                      `json:"name"`
	Set           string                      `json:"set"`
	PrimaryID     string                      `json:"primary_id"`
	PrimaryName   string                      `json:"primary_name,omitempty"`
	Columns       map[string]string           `json:"columns,omitempty" jsonschema_description:"Column to type; label."`
	Details       []columnDetail              `json:"details,omitempty"`
	Choices       map[string]map[string]int64 `json:"choices,omitempty" jsonschema_description:"Column to label to number."`
	Relationships *relationships              `json:"relationships,omitempty"`
	Keys          map[string][]string         `json:"keys,omitempty"`
	Note          string                      `json:"note,omitempty"`
}

type columnDetail struct {
	Name        string           `json:"name"`
	Label       string           `json:"label"`
	Type        string           `json:"type"`
	Description string           `json:"description,omitempty"`
	Required    bool             `json:"required,omitempty"`
	Create      bool             `json:"create,omitempty"`
	Update      bool             `json:"update,omitempty"`
	Min         *float64         `json:"min,omitempty"`
	Max         *float64         `json:"max,omitempty"`
	Format      string           `json:"format,omitempty"`
	Choices     map[string]int64 `json:"choices,omitempty"`
}

type relationships struct {
	One  map[string]string `json:"one" jsonschema_description:"Expands to one record of that table."`
	Many map[string]string `json:"many" jsonschema_description:"Expands to records of that table."`
}

package dataverse

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// partyTable holds the parties of all activities: who sent it, who was asked, and so on.
const partyTable = "activityparty"

// The parts that follow from the activity's own columns. The service keeps those parties itself.
const (
	partRegarding = 8
	partOwner     = 9
)

// part is the part that the parties in the column play, as participationtypemask numbers it. The metadata does not
// tell: the numbers are fixed and documented. For partners none is.
func (c *Column) part() (int, bool) {
	if c.Type != PartyListColumn {
		return 0, false
	}
	switch c.LogicalName {
	case "from":
		return 1, true
	case "to":
		return 2, true
	case "cc":
		return 3, true
	case "bcc":
		return 4, true
	case "requiredattendees":
		return 5, true
	case "optionalattendees":
		return 6, true
	case "organizer":
		return 7, true
	case "resources":
		return 10, true
	case "customer", "customers":
		return 11, true
	}
	return 0, false
}

// PartyColumns names the columns that hold lists of an activity's parties and can be selected.
func (t *Table) PartyColumns() []string {
	if _, ok := t.partyRoad(); !ok {
		return nil
	}
	var names []string
	for i := range t.Columns {
		if _, ok := t.Columns[i].part(); ok {
			names = append(names, t.Columns[i].LogicalName)
		}
	}
	return names
}

// partyRoad is the navigation property from an activity to its parties.
func (t *Table) partyRoad() (string, bool) {
	for _, r := range t.OneToMany {
		if r.Referencing == partyTable && r.ReferencingColumn == "activityid" && r.ReferencedNav != "" {
			return r.ReferencedNav, true
		}
	}
	return "", false
}

// partyColumn tells the part and the road of a column of parties.
func (t *Table) partyColumn(c *Column) (part int, road string, err error) {
	part, known := c.part()
	road, ok := t.partyRoad()
	switch {
	case !ok:
		return 0, "", invalid("column %s: table %s has no road to its parties", c.LogicalName, t.LogicalName)
	case !known:
		return 0, "", invalid("column %s: which participationtypemask its parties have is not documented, use %s", c.LogicalName, road)
	}
	return part, road, nil
}

// partyRows are rows of the party table, in the service's form.
type partyRows []map[string]any

// parties translates the value of a column of parties into rows of the party table.
func (w *writer) parties(ctx context.Context, t *Table, c *Column, value any) (string, any, error) {
	part, road, err := t.partyColumn(c)
	if err != nil {
		return "", nil, err
	}
	party, err := w.client.describe(ctx, partyTable)
	if err != nil {
		return "", nil, err
	}
	list, ok := asList(value)
	switch {
	case value == nil:
		return road, partyRows{}, nil
	case !ok:
		list = []any{value}
	}
	rows := make(partyRows, len(list))
	for i, item := range list {
		row := map[string]any{"participationtypemask": part}
		if address, ok := addressText(item); ok {
			row["addressused"] = address
		} else if err := w.partyID(ctx, c, party, item, row); err != nil {
			return "", nil, err
		}
		rows[i] = row
	}
	return road, rows, nil
}

// partyID binds row to the row that reference names.
func (w *writer) partyID(ctx context.Context, c *Column, party *Table, reference any, row map[string]any) error {
	id, ok := party.Column("partyid")
	if !ok {
		return unknownColumn(party, "partyid")
	}
	if reference == nil || reference == "" {
		return wrongType(c, reference, "a reference such as contact(GUID), or an address")
	}
	named := *id // so that errors name the column that the caller wrote
	named.LogicalName, named.Type = c.LogicalName, c.Type
	property, address, err := w.follow(ctx, party.roads(id), &named, reference)
	row[property] = address
	return err
}

var phonePattern = regexp.MustCompile(`^\+?[0-9(][-0-9 ()./]{3,}$`)

// addressText tells an e-mail address or a telephone number from a reference.
func addressText(value any) (string, bool) {
	s, ok := value.(string)
	if !ok {
		return "", false
	}
	s = strings.TrimSpace(s)
	_, _, isReference := splitReference(s)
	_, isGUID := parseGUID(s)
	return s, !isReference && !isGUID && (strings.Contains(s, "@") || phonePattern.MatchString(s))
}

// keepParties adds to row the parties that are there already and play a part that v does not name: the service puts
// the list it is given in place of all.
func (c *Client) keepParties(ctx context.Context, t *Table, id string, v Values, row map[string]any) error {
	var named []int
	for name := range v {
		if column, ok := t.Column(name); ok {
			if part, ok := column.part(); ok {
				named = append(named, part)
			}
		}
	}
	if len(named) == 0 {
		return nil
	}
	road, _ := t.partyRoad()
	there, err := c.Get(ctx, t.LogicalName, id, Query{Select: []string{t.PrimaryID}, Expand: road + partyProperties})
	if KindOf(err) == NotFound { // an upsert makes the row, and an update will say so itself
		return nil
	}
	if err != nil {
		return err
	}
	parties := there.Value(road)
	if parties.More {
		return invalid("%s has more parties than one request reads, so some would be lost", t.LogicalName)
	}
	list, _ := row[road].(partyRows)
	rows, _ := parties.Raw.([]Row)
	for _, p := range rows {
		part := int(p.Number("participationtypemask"))
		if part == partRegarding || part == partOwner || slices.Contains(named, part) {
			continue
		}
		kept, err := c.keptParty(ctx, p)
		if err != nil {
			return err
		}
		list = append(list, kept)
	}
	row[road] = list
	return nil
}

// keptParty is a party as it was read, in the form in which it is written.
func (c *Client) keptParty(ctx context.Context, p Row) (map[string]any, error) {
	kept := map[string]any{"participationtypemask": p.Value("participationtypemask").Raw}
	if address := p.String("addressused"); address != "" {
		kept["addressused"] = address
	}
	who := p.Value("partyid")
	if who.Raw == nil {
		return kept, nil
	}
	party, err := c.describe(ctx, partyTable)
	if err != nil {
		return nil, err
	}
	id, ok := party.Column("partyid")
	if !ok {
		return nil, unknownColumn(party, "partyid")
	}
	w := &writer{client: c, write: updating}
	property, address, err := w.follow(ctx, party.roads(id), id, fmt.Sprintf("%s(%s)", who.Table, who.Raw))
	kept[property] = address
	return kept, err
}

// partyHint says how rows are found by a column that only select takes.
func (t *Table) partyHint(c *Column) error {
	part, road, err := t.partyColumn(c)
	if err != nil {
		return err
	}
	return invalid("column %s holds a list: write %s/any(p:p/participationtypemask eq %d and p/partyid eq GUID)", c.LogicalName, road, part)
}

// partyProperties are what a party is read by.
const partyProperties = "($select=participationtypemask,partyid,addressused)"

// partyColumns says how the columns of parties in a row come about: all from one expanded collection.
type partyColumns struct {
	road  string
	parts map[string]int // by column
}

func (p *partyColumns) first() string { return slices.Min(slices.Collect(maps.Keys(p.parts))) }

// selectParties asks for a column of parties by way of the collection that it stands for.
func selectParties(t *Table, c *Column, o *odata.Options, s *shape) error {
	part, road, err := t.partyColumn(c)
	if err != nil {
		return err
	}
	if s.parties == nil {
		if slices.ContainsFunc(o.Expand, func(e odata.Expand) bool { return strings.EqualFold(e.Path, road) }) {
			return invalid("column %s: it is a part of %s, which is expanded already", c.LogicalName, road)
		}
		parties, err := odata.ParseExpand(road + partyProperties)
		if err != nil {
			return err
		}
		o.Expand = append(slices.Clip(o.Expand), parties...)
		s.parties = &partyColumns{road: road, parts: map[string]int{}}
	}
	if _, twice := s.parties.parts[c.LogicalName]; !twice {
		s.parties.parts[c.LogicalName] = part
		s.columns = append(s.columns, c.LogicalName)
	}
	return nil
}

// parties sorts the expanded parties of the row into the columns of the parts that they play.
func (r *Row) parties(p *partyColumns) {
	all := r.Value(p.road)
	rows, _ := all.Raw.([]Row)
	r.cells = slices.DeleteFunc(r.cells, func(c cell) bool { return c.name == p.road })
	for column, part := range p.parts {
		var list []Row
		for _, party := range rows {
			if n, _ := party.Value("participationtypemask").Raw.(json.Number); n.String() == fmt.Sprint(part) {
				list = append(list, party)
			}
		}
		value := Value{Type: PartyListColumn, More: all.More}
		if list != nil {
			value.Raw = list
		}
		r.cells = append(r.cells, newCell(column, value))
	}
}

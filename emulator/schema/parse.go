package schema

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

//go:embed tables.tsv
var embedded string

// The format: one line a thing, fields separated by tabs, the first field says what it is. A line belongs to the last
// T (or C) above it. Fields that are empty at the end of a line are left out.
//
//	T logical schema set display displayCollection collectionSchema primaryID primaryName image typeCode ownership flags
//	G message …                                  (SDK messages of the table)
//	C schema type required flags display name=value …   (column; the logical name is the schema name in lower case)
//	V value label state|defaultStatus invariant  (option of the column above)
//	R schema referenced attribute referencingNav referencedNav referencedAttribute cascade flags
//	M schema intersect entity1 attribute1 nav1 entity2 attribute2 nav2
//	K logical schema attribute …
//	P name id type reach                         (privilege; reach: b l d g)
//
// Cascade is six letters, one for each of assign, delete, merge, reparent, share, unshare: N(oCascade), C(ascade),
// R(emoveLink), X for Restrict.
func parse(text string) (*Schema, error) {
	p := parser{schema: &Schema{byName: map[string]*Table{}, bySet: map[string]*Table{}}}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if err := p.line(strings.Split(strings.TrimSuffix(line, "\n"), "\t")); err != nil {
			return nil, fmt.Errorf("tables.tsv line %d: %w", number, err)
		}
	}
	p.schema.many = p.many
	p.schema.gatherChoices()
	p.schema.Link()
	for _, t := range p.schema.Tables {
		t.addBulkMessages()
	}
	return p.schema, nil
}

// addBulkMessages adds the messages for many rows, which tables have that know those for one. The documentation of the
// tables does not list them.
func (t *Table) addBulkMessages() {
	creates, updates := slices.Contains(t.Messages, "Create"), slices.Contains(t.Messages, "Update")
	if t.Abstract || t.Intersect {
		return
	}
	if creates {
		t.Messages = append(t.Messages, "CreateMultiple")
	}
	if updates {
		t.Messages = append(t.Messages, "UpdateMultiple")
	}
	if creates && updates {
		t.Messages = append(t.Messages, "UpsertMultiple")
	}
}

type parser struct {
	schema *Schema
	table  *Table
	column *Column
	many   []*ManyToMany
}

func (p *parser) line(f []string) error {
	get := func(i int) string {
		if i < len(f) {
			return f[i]
		}
		return ""
	}
	switch f[0] {
	case "T":
		return p.addTable(get)
	case "G":
		p.table.Messages = f[1:]
	case "C":
		return p.addColumn(get, f[min(len(f), 6):])
	case "V":
		return p.addOption(get)
	case "R":
		p.table.ManyToOne = append(p.table.ManyToOne, &Relationship{
			Schema: get(1), Referenced: get(2), Attribute: get(3), ReferencingNav: get(4), ReferencedNav: get(5),
			ReferencedAttribute: get(6), Referencing: p.table.Logical, Cascade: cascade(get(7)),
			Hierarchical: get(8) == "h", MetadataID: id("relationship", get(1)),
		})
	case "M":
		p.many = append(p.many, &ManyToMany{
			Schema: get(1), Intersect: get(2), Entity1: get(3), Attribute1: get(4), Nav1: get(5),
			Entity2: get(6), Attribute2: get(7), Nav2: get(8), MetadataID: id("relationship", get(1)),
		})
	case "K":
		p.table.Keys = append(p.table.Keys, Key{Logical: get(1), Schema: get(2), Attributes: f[3:],
			MetadataID: id("key", p.table.Logical, get(1))})
	case "P":
		privilege, err := uuid.Parse(get(2))
		if err != nil {
			return err
		}
		reach := get(4)
		p.table.Privileges = append(p.table.Privileges, Privilege{Name: get(1), ID: privilege, Type: get(3),
			Basic: strings.Contains(reach, "b"), Local: strings.Contains(reach, "l"),
			Deep: strings.Contains(reach, "d"), Global: strings.Contains(reach, "g")})
	default:
		return fmt.Errorf("unknown line %q", f[0])
	}
	return nil
}

func (p *parser) addTable(get func(int) string) error {
	code, err := strconv.Atoi(get(10))
	if err != nil {
		return err
	}
	flags := get(12)
	p.table = &Table{
		Logical: get(1), Schema: get(2), Set: get(3), Display: get(4), DisplayCollection: get(5),
		CollectionSchema: get(6), PrimaryID: get(7), PrimaryName: get(8), PrimaryImage: get(9), TypeCode: code,
		Ownership: Ownership(get(11)),
		Activity:  strings.Contains(flags, "a"), ActivityParty: strings.Contains(flags, "p"),
		Notes: strings.Contains(flags, "n"), Activities: strings.Contains(flags, "r"),
		ChangeTracking: strings.Contains(flags, "t"), Optimistic: strings.Contains(flags, "o"),
		Intersect: strings.Contains(flags, "i"), Abstract: strings.Contains(flags, "b"),
		MetadataID: tableID(get(1)), columns: map[string]*Column{}, navs: map[string]Nav{},
	}
	p.schema.Tables = append(p.schema.Tables, p.table)
	p.schema.byName[p.table.Logical] = p.table
	p.schema.bySet[p.table.Set] = p.table
	return nil
}

var requiredLevels = map[string]string{
	"": "None", "R": "Recommended", "A": "ApplicationRequired", "S": "SystemRequired",
}

func (p *parser) addColumn(get func(int) string, extras []string) error {
	flags := get(4)
	c := &Column{
		Table: p.table, Schema: get(1), Logical: strings.ToLower(get(1)), Type: Type(get(2)),
		Required: requiredLevels[get(3)], Display: get(5),
		Create: strings.Contains(flags, "c"), Update: strings.Contains(flags, "u"), Read: strings.Contains(flags, "r"),
		Property: !strings.Contains(flags, "-"), IsLogical: strings.Contains(flags, "l"),
		Secured: strings.Contains(flags, "s"), Custom: strings.Contains(flags, "x"),
		PrimaryID: strings.Contains(flags, "i"), PrimaryName: strings.Contains(flags, "n"),
		MetadataID: columnID(p.table.Logical, strings.ToLower(get(1))),
	}
	for _, extra := range extras {
		name, value, _ := strings.Cut(extra, "=")
		if err := c.set(name, value); err != nil {
			return fmt.Errorf("column %s, %s: %w", c.Logical, name, err)
		}
	}
	p.column = c
	p.table.Columns = append(p.table.Columns, c)
	p.table.columns[c.Logical] = c
	return nil
}

func (c *Column) set(name, value string) (err error) {
	switch name {
	case "of":
		c.AttributeOf = value
	case "calc":
		c.CalculationOf = value
	case "len":
		c.MaxLength, err = strconv.Atoi(value)
	case "min":
		c.Min, err = float(value)
	case "max":
		c.Max, err = float(value)
	case "prec":
		c.Precision, err = strconv.Atoi(value)
	case "psrc":
		c.PrecisionSource, err = strconv.Atoi(value)
	case "fmt":
		c.Format = value
	case "when":
		c.DateTimeBehavior = value
	case "to":
		c.Targets = strings.Split(value, ",")
	case "set":
		c.OptionSet = value
	case "global":
		c.OptionSet, c.GlobalOptionSet = value, true
	case "def":
		c.Default = value
	default:
		return fmt.Errorf("unknown property")
	}
	return err
}

func (p *parser) addOption(get func(int) string) error {
	value, err := strconv.Atoi(get(1))
	if err != nil {
		return err
	}
	o := Option{Value: value, Label: get(2), Invariant: get(4)}
	if get(3) != "" {
		related, err := strconv.Atoi(get(3))
		if err != nil {
			return err
		}
		if p.column.Type == State {
			o.DefaultStatus = related
		} else {
			o.State = related
		}
	}
	p.column.Options = append(p.column.Options, o)
	return nil
}

func cascade(s string) Cascade {
	word := func(i int) string {
		if i >= len(s) {
			return "NoCascade"
		}
		switch s[i] {
		case 'C':
			return "Cascade"
		case 'R':
			return "RemoveLink"
		case 'X':
			return "Restrict"
		}
		return "NoCascade"
	}
	return Cascade{word(0), word(1), word(2), word(3), word(4), word(5)}
}

func float(s string) (*float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	return &v, err
}

// id makes a MetadataId that is the same in every emulator, as ids of system tables are the same in every
// organization.
func id(parts ...string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("dataverse/"+strings.Join(parts, "/")))
}

// tableID returns the real MetadataId where it is published.
func tableID(logical string) uuid.UUID {
	switch logical {
	case "account":
		return uuid.MustParse("70816501-edb9-4740-a16c-6a5efbc05d84")
	case "contact":
		return uuid.MustParse("608861bc-50a4-4c5f-a02c-21fe1943e2cf")
	}
	return id("table", logical)
}

func columnID(table, column string) uuid.UUID {
	if table == "account" && column == "accountcategorycode" {
		return uuid.MustParse("118771ca-6fb9-4f60-8fd4-99b6124b63ad")
	}
	return id("column", table, column)
}

// Command generate writes ../tables.tsv, the emulator's table definitions, from a JSON description of the standard
// tables as Microsoft documents them.
//
//	go run ./emulator/schema/generate -from tables.json -to emulator/schema/tables.tsv
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

type table struct {
	LogicalName, SchemaName, EntitySetName, DisplayName, DisplayCollectionName, CollectionSchemaName string
	PrimaryIDAttribute                                                                               string `json:"primaryIdAttribute"`
	PrimaryNameAttribute, PrimaryImageAttribute, OwnershipType                                       string
	ObjectTypeCode                                                                                   int
	IsIntersect                                                                                      bool
	ChangeTrackingEnabled, IsOptimisticConcurrencyEnabled                                            *bool
	Messages                                                                                         []string
	Columns                                                                                          []column
	ManyToOne                                                                                        []manyToOne
	OneToMany                                                                                        []oneToMany
	ManyToMany                                                                                       []manyToMany
	Keys                                                                                             []key
	Privileges                                                                                       []privilege
}

type column struct {
	SchemaName, LogicalName, Type, DisplayName, RequiredLevel, AttributeOf, CalculationOf string
	Read, Create, Update                                                                  bool
	OData                                                                                 *bool `json:"odata"`
	Logical, Secured, Custom, PrimaryID, PrimaryName, GlobalOptionSet                     bool
	MaxLength, Precision, PrecisionSource                                                 *int
	Min, Max                                                                              *json.Number
	Format, DateTimeBehavior, OptionSetName, Default                                      string
	Targets                                                                               []string
	Options                                                                               []option
}

type option struct {
	Value         int
	Label         string
	State         *int
	DefaultStatus *int
	InvariantName string
}

type manyToOne struct {
	SchemaName, ReferencedEntity, ReferencingAttribute, ReferencingNav, ReferencedNav, ReferencedAttribute string
	Cascade                                                                                                map[string]string
}

type oneToMany struct {
	SchemaName   string
	Hierarchical bool
}

type manyToMany struct {
	SchemaName, IntersectEntity, Entity1, Entity1IntersectAttribute, Entity1Nav string
	Entity2, Entity2IntersectAttribute, Entity2Nav                              string
}

type key struct {
	LogicalName, SchemaName string
	Attributes              []string
}

type privilege struct {
	Name, ID, Type             string
	Basic, Local, Deep, Global bool
}

func main() {
	log.SetFlags(0)
	from := flag.String("from", "", "JSON description of the tables")
	to := flag.String("to", "emulator/schema/tables.tsv", "file to write")
	flag.Parse()
	if err := generate(*from, *to); err != nil {
		log.Fatal(err)
	}
}

func generate(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var doc struct{ Tables map[string]*table }
	if err := json.Unmarshal(data, &doc); err != nil {
		return err
	}
	addOwner(doc.Tables)
	for _, t := range doc.Tables {
		addLookups(t)
	}
	// A new environment has no alternate key to try. This is the one of Microsoft's examples: accounts(accountnumber='A1').
	account := doc.Tables["account"]
	account.Keys = append(account.Keys, key{"accountnumber_key", "AccountNumber_Key", []string{"accountnumber"}})
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	w := &writer{Writer: bufio.NewWriter(f), tables: doc.Tables}
	for _, name := range slices.Sorted(maps.Keys(doc.Tables)) {
		w.table(doc.Tables[name])
	}
	return cmp.Or(w.Flush(), f.Close())
}

// addOwner adds the table behind every ownerid: the users and teams together.
func addOwner(tables map[string]*table) {
	text := func(schema string) column {
		length := 200
		return column{SchemaName: schema, LogicalName: strings.ToLower(schema), Type: "String", Read: true,
			RequiredLevel: "None", MaxLength: &length, Format: "Text"}
	}
	id := column{SchemaName: "OwnerId", LogicalName: "ownerid", Type: "Uniqueidentifier", Read: true,
		RequiredLevel: "SystemRequired", PrimaryID: true, DisplayName: "Owner"}
	name := text("Name")
	name.PrimaryName, name.DisplayName = true, "Name"
	tables["owner"] = &table{LogicalName: "owner", SchemaName: "Owner", EntitySetName: "owners", DisplayName: "Owner",
		DisplayCollectionName: "Owners", CollectionSchemaName: "Owners", PrimaryIDAttribute: "ownerid",
		PrimaryNameAttribute: "name", ObjectTypeCode: 7, OwnershipType: "None",
		Messages: []string{"Retrieve", "RetrieveMultiple"}, Columns: []column{name, id, text("YomiName")}}
}

// addLookups adds the lookup columns that only a relationship tells of: those which the Sales app adds to account and
// contact.
func addLookups(t *table) {
	for _, r := range t.ManyToOne {
		known := func(c column) bool { return c.LogicalName == r.ReferencingAttribute }
		if slices.ContainsFunc(t.Columns, known) {
			continue
		}
		name := strings.ToUpper(r.ReferencingAttribute[:1]) + r.ReferencingAttribute[1:]
		t.Columns = append(t.Columns, column{SchemaName: name, LogicalName: r.ReferencingAttribute, Type: "Lookup",
			DisplayName: strings.TrimSuffix(name, "id"), RequiredLevel: "None", Read: true, Create: true, Update: true,
			Targets: []string{r.ReferencedEntity}})
	}
}

type writer struct {
	*bufio.Writer
	tables map[string]*table
	across map[string]bool
}

func (w *writer) line(fields ...string) {
	for i := range fields {
		fields[i] = strings.Join(strings.Fields(fields[i]), " ")
	}
	for len(fields) > 0 && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	fmt.Fprintln(w, strings.Join(fields, "\t"))
}

func (w *writer) table(t *table) {
	display := cmp.Or(t.DisplayName, t.SchemaName)
	w.line("T", t.LogicalName, t.SchemaName, t.EntitySetName, display, cmp.Or(t.DisplayCollectionName, display+"s"),
		cmp.Or(t.CollectionSchemaName, t.SchemaName+"s"), t.PrimaryIDAttribute, t.PrimaryNameAttribute,
		t.PrimaryImageAttribute, strconv.Itoa(t.ObjectTypeCode), t.OwnershipType, w.tableFlags(t))
	if len(t.Messages) > 0 {
		w.line(append([]string{"G"}, t.Messages...)...)
	}
	for _, c := range t.Columns {
		w.column(t, c)
	}
	for _, r := range t.ManyToOne {
		w.relationship(r)
	}
	w.manyToMany(t)
	for _, k := range t.Keys {
		w.line(append([]string{"K", k.LogicalName, k.SchemaName}, k.Attributes...)...)
	}
	for _, p := range t.Privileges {
		w.line("P", p.Name, p.ID, p.Type, flags(p.Basic, "b", p.Local, "l", p.Deep, "d", p.Global, "g"))
	}
}

// tableFlags fills in what the description leaves out for most tables: which are activities, parties or can have notes
// follows from the lookups of activityparty, activitypointer and annotation.
func (w *writer) tableFlags(t *table) string {
	activity := t.PrimaryIDAttribute == "activityid" && t.LogicalName != "activitypointer"
	abstract := t.LogicalName == "activitypointer" || t.LogicalName == "owner"
	intersect := t.IsIntersect || slices.Contains([]string{"teammembership", "systemuserroles", "roleprivileges"}, t.LogicalName)
	yes := !intersect && !abstract
	return flags(activity, "a", w.looksUp("activityparty", "partyid", t), "p",
		w.looksUp("annotation", "objectid", t), "n", w.looksUp("activitypointer", "regardingobjectid", t), "r",
		*cmp.Or(t.ChangeTrackingEnabled, &yes), "t", *cmp.Or(t.IsOptimisticConcurrencyEnabled, &yes), "o",
		intersect, "i", abstract, "b")
}

func (w *writer) looksUp(from, column string, t *table) bool {
	return slices.ContainsFunc(w.tables[from].ManyToOne, func(r manyToOne) bool {
		return r.ReferencingAttribute == column && r.ReferencedEntity == t.LogicalName
	})
}

func (w *writer) column(t *table, c column) {
	level := map[string]string{"None": "", "Recommended": "R", "ApplicationRequired": "A", "SystemRequired": "S"}[c.RequiredLevel]
	if strings.ToLower(c.SchemaName) != c.LogicalName {
		log.Fatalf("%s.%s: the logical name is not the schema name in lower case", t.LogicalName, c.LogicalName)
	}
	fields := []string{"C", c.SchemaName, c.Type, level,
		flags(c.Create, "c", c.Update, "u", c.Read, "r", !property(t, c), "-", c.Logical, "l", c.Secured, "s",
			c.Custom, "x", c.PrimaryID, "i", c.PrimaryName, "n"), c.DisplayName}
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, name+"="+value)
		}
	}
	add("of", c.AttributeOf)
	add("calc", c.CalculationOf)
	add("len", number(c.MaxLength))
	if c.Min != nil && c.Type != "BigInt" {
		add("min", c.Min.String())
		add("max", c.Max.String())
	}
	add("prec", number(c.Precision))
	add("psrc", number(c.PrecisionSource))
	if c.Format != "None" {
		add("fmt", c.Format)
	}
	add("when", c.DateTimeBehavior)
	add("to", strings.Join(c.Targets, ","))
	if c.GlobalOptionSet {
		add("global", c.OptionSetName)
	} else if c.OptionSetName != t.LogicalName+"_"+c.LogicalName {
		add("set", c.OptionSetName)
	}
	if c.Default != "-1" {
		add("def", strings.ToLower(c.Default))
	}
	w.line(fields...)
	for _, o := range c.Options {
		w.line("V", strconv.Itoa(o.Value), o.Label, number(cmp.Or(o.State, o.DefaultStatus)), o.InvariantName)
	}
}

// property reports whether the column is a Web API property. The description marks every column of annotation as not
// one, its primary key too: there only the columns that belong to others are left out.
func property(t *table, c column) bool {
	if c.Type == "PartyList" {
		return false // parties are rows of <activity>_activity_parties
	}
	if c.OData == nil || *c.OData {
		return true
	}
	return t.LogicalName == "annotation" && c.AttributeOf == "" && c.LogicalName != "isprivate" &&
		!strings.HasPrefix(c.LogicalName, "dummy")
}

func (w *writer) relationship(r manyToOne) {
	one := w.tables[r.ReferencedEntity]
	if one == nil {
		return // the one side is a table that is not described
	}
	var cascade strings.Builder
	for _, action := range []string{"Assign", "Delete", "Merge", "Reparent", "Share", "Unshare"} {
		cascade.WriteString(map[string]string{"": "N", "NoCascade": "N", "Cascade": "C", "RemoveLink": "R", "Restrict": "X"}[r.Cascade[action]])
	}
	hierarchical := slices.ContainsFunc(one.OneToMany, func(o oneToMany) bool {
		return o.SchemaName == r.SchemaName && o.Hierarchical
	})
	w.line("R", r.SchemaName, r.ReferencedEntity, r.ReferencingAttribute, r.ReferencingNav, r.ReferencedNav,
		r.ReferencedAttribute, cascade.String(), flags(hierarchical, "h"))
}

// manyToMany writes a relationship once, though both its tables describe it.
func (w *writer) manyToMany(t *table) {
	if w.across == nil {
		w.across = map[string]bool{}
	}
	for _, m := range t.ManyToMany {
		if w.across[m.SchemaName] {
			continue
		}
		w.across[m.SchemaName] = true
		w.line("M", m.SchemaName, m.IntersectEntity, m.Entity1, m.Entity1IntersectAttribute, m.Entity1Nav,
			m.Entity2, m.Entity2IntersectAttribute, m.Entity2Nav)
	}
}

// flags takes pairs of a fact and its letter, and returns the letters of those that hold.
func flags(pairs ...any) string {
	var letters strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i].(bool) {
			letters.WriteString(pairs[i+1].(string))
		}
	}
	return letters.String()
}

func number(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

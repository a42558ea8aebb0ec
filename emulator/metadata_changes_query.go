package emulator

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
)

// entityQuery is an EntityQueryExpression: which tables, and what of them.
type entityQuery struct {
	definitionQuery
	AttributeQuery    *definitionQuery
	RelationshipQuery *definitionQuery
	KeyQuery          *definitionQuery
	LabelQuery        *struct {
		annotation
		FilterLanguages      []int
		MissingLabelBehavior json.RawMessage
	}
}

// definitionQuery is a MetadataQueryExpression: which definitions, and which properties of them.
type definitionQuery struct {
	annotation
	Properties *struct {
		annotation
		AllProperties bool
		PropertyNames []string
	}
	Criteria *definitionFilter
}

// definitionFilter is a MetadataFilterExpression.
type definitionFilter struct {
	annotation
	FilterOperator enumName
	Conditions     []definitionCondition
	Filters        []*definitionFilter
}

// definitionCondition is a MetadataConditionExpression. Its value is text, whatever the type.
type definitionCondition struct {
	annotation
	PropertyName      string
	ConditionOperator enumName
	Value             *struct {
		annotation
		Type, Value string
	}
}

// annotation is what clients add to an object to say its type.
type annotation struct {
	Type string `json:"@odata.type"`
}

// enumName is a member of an enum, which JSON gives by name or by number.
type enumName string

// UnmarshalJSON reads a string or a number.
func (e *enumName) UnmarshalJSON(data []byte) error {
	*e = enumName(strings.Trim(string(data), `"`))
	return nil
}

func readEntityQuery(e odata.Expr) (*entityQuery, error) {
	object, ok := e.(*odata.Object)
	if !ok {
		return nil, badRequest("The argument 'Query' is not a %sEntityQueryExpression: %s", namespace, e)
	}
	d := json.NewDecoder(strings.NewReader(object.Text))
	d.DisallowUnknownFields()
	var q entityQuery
	if err := d.Decode(&q); err != nil {
		return nil, badRequest("The argument 'Query' is not a %sEntityQueryExpression: %s", namespace, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, badRequest("The argument 'Query' holds more than one value.")
	}
	types := loadMetadataTypes().byName
	for _, part := range []struct {
		query *definitionQuery
		kind  string
	}{
		{&q.definitionQuery, "EntityMetadata"}, {q.AttributeQuery, "AttributeMetadata"},
		{q.RelationshipQuery, "RelationshipMetadataBase"}, {q.KeyQuery, "EntityKeyMetadata"},
	} {
		if part.query == nil {
			continue
		}
		if err := part.query.check(types[part.kind]); err != nil {
			return nil, err
		}
	}
	return &q, nil
}

// languages are those that labels are asked for in, nil for every one.
func (q *entityQuery) languages() []int {
	if q.LabelQuery == nil || len(q.LabelQuery.FilterLanguages) == 0 {
		return nil
	}
	return q.LabelQuery.FilterLanguages
}

// check refuses names that no type derived from kind has, and what filters cannot compare.
func (q *definitionQuery) check(kind *metadataType) error {
	if q.Properties != nil {
		for _, name := range q.Properties.PropertyNames {
			if !kind.knows(name) {
				return badRequest("Could not find a property named '%s' on type '%s%s'.", name, namespace, complexName(kind))
			}
		}
	}
	return q.Criteria.check(kind)
}

// knows reports whether the type, or one derived from it, has a property.
func (t *metadataType) knows(name string) bool {
	return slices.ContainsFunc(loadMetadataTypes().sorted, func(other *metadataType) bool {
		_, nav := other.nav(name)
		return other.isA(t) && (nav || other.has(name))
	})
}

func (f *definitionFilter) check(kind *metadataType) error {
	if f == nil {
		return nil
	}
	if !slices.Contains([]enumName{"", "And", "Or", "0", "1"}, f.FilterOperator) {
		return badRequest("'%s' is not a member of %sLogicalOperator.", f.FilterOperator, namespace)
	}
	for _, c := range f.Conditions {
		if err := c.check(kind); err != nil {
			return err
		}
	}
	for _, inner := range f.Filters {
		if err := inner.check(kind); err != nil {
			return err
		}
	}
	return nil
}

// conditionOperators are the MetadataConditionOperators in the order of their numbers.
var conditionOperators = []enumName{"Equals", "NotEquals", "In", "NotIn", "GreaterThan", "LessThan"}

// operator is the operator's name, "" where it has none.
func (c *definitionCondition) operator() enumName {
	if n, err := strconv.Atoi(string(c.ConditionOperator)); err == nil && n >= 0 && n < len(conditionOperators) {
		return conditionOperators[n]
	}
	if c.ConditionOperator == "" {
		return conditionOperators[0]
	}
	if slices.Contains(conditionOperators, c.ConditionOperator) {
		return c.ConditionOperator
	}
	return ""
}

func (c *definitionCondition) check(kind *metadataType) error {
	if c.operator() == "" {
		return badRequest("'%s' is not a member of %sMetadataConditionOperator.", c.ConditionOperator, namespace)
	}
	if !kind.knows(c.PropertyName) {
		return badRequest("Could not find a property named '%s' on type '%s%s'.", c.PropertyName, namespace, complexName(kind))
	}
	for _, t := range loadMetadataTypes().sorted {
		if !t.isA(kind) {
			continue
		}
		if i, ok := t.index[c.PropertyName]; ok {
			p := t.all[i]
			if _, collection := p.collection(); collection || p.complex && !strings.HasSuffix(p.kind, "ManagedProperty") {
				return badRequest("The property '%s' cannot be used in a filter of definitions.", c.PropertyName)
			}
			return nil
		}
	}
	return badRequest("The property '%s' cannot be used in a filter of definitions.", c.PropertyName) // it leads elsewhere
}

// matches reports whether the filter lets a definition through. No filter does.
func (f *definitionFilter) matches(d *definition) bool {
	if f == nil || len(f.Conditions)+len(f.Filters) == 0 {
		return true
	}
	either := f.FilterOperator == "Or" || f.FilterOperator == "1"
	for _, c := range f.Conditions {
		if c.matches(d) == either {
			return either
		}
	}
	for _, inner := range f.Filters {
		if inner.matches(d) == either {
			return either
		}
	}
	return !either
}

func (c *definitionCondition) matches(d *definition) bool {
	var value *string
	if d.kind.has(c.PropertyName) {
		value = d.text(c.PropertyName)
	}
	switch operator := c.operator(); operator {
	case "Equals":
		return c.equals(d, value)
	case "NotEquals":
		return !c.equals(d, value)
	case "In":
		return value != nil && slices.ContainsFunc(c.values(), func(v string) bool { return sameText(*value, v) })
	case "NotIn":
		return value == nil || !slices.ContainsFunc(c.values(), func(v string) bool { return sameText(*value, v) })
	default:
		if value == nil || c.Value == nil {
			return false
		}
		order := compareText(*value, c.member(d))
		return operator == "GreaterThan" && order > 0 || operator == "LessThan" && order < 0
	}
}

func (c *definitionCondition) equals(d *definition, value *string) bool {
	if value == nil || c.Value == nil {
		return value == nil && c.Value == nil
	}
	return sameText(*value, c.member(d))
}

// member is the condition's value, as the definition spells it: the name of an enum's member for its number.
func (c *definitionCondition) member(d *definition) string {
	i, ok := d.kind.index[c.PropertyName]
	if !ok {
		return c.Value.Value
	}
	kind := d.kind.all[i].kind
	if kind == "AttributeRequiredLevelManagedProperty" {
		kind = "AttributeRequiredLevel"
	}
	if t := loadMetadataTypes().byName[kind]; t != nil && t.kind == "enum" {
		for _, m := range t.members {
			if name, number, _ := strings.Cut(m, "="); number == c.Value.Value {
				return name
			}
		}
	}
	return c.Value.Value
}

// values are the condition's values: ['a','b'].
func (c *definitionCondition) values() []string {
	if c.Value == nil {
		return nil
	}
	text := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(c.Value.Value), "["), "]")
	var values []string
	for item := range strings.SplitSeq(text, ",") {
		values = append(values, strings.Trim(strings.TrimSpace(item), `'"`))
	}
	return values
}

// text is a property's value as text; of a managed property, the value in it. It is nil for null.
func (d *definition) text(name string) *string {
	path := []string{name}
	if strings.HasSuffix(d.kind.all[d.kind.index[name]].kind, "ManagedProperty") {
		path = append(path, "Value")
	}
	var text string
	switch v := d.at(path).(type) {
	case string:
		text = v
	case bool:
		text = strconv.FormatBool(v)
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return nil
	}
	return &text
}

// sameText compares as .NET's types do once parsed: True is true, ids are ids in any case.
func sameText(a, b string) bool { return strings.EqualFold(a, b) }

func compareText(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil {
		return cmp.Compare(x, y)
	}
	return strings.Compare(a, b)
}

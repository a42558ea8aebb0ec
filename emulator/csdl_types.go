package emulator

import "strings"

// metadataType writes a type of the definitions or of a function's answer.
func (w *csdl) metadataType(t *metadataType) {
	if t.kind == "enum" {
		w.enum(t)
		return
	}
	base := ""
	switch {
	case t.base != nil:
		base = alias + t.base.name
	case t.kind == "entity":
		base = alias + "crmmodelbaseentity"
	}
	element := map[string]string{"entity": "EntityType", "complex": "ComplexType"}[t.kind]
	w.open(element, "Name", t.name, "BaseType", base)
	if t.name == "MetadataBase" {
		w.WriteString(`<Key><PropertyRef Name="MetadataId" /></Key>`)
	}
	for _, p := range t.own {
		w.element("Property", "Name", p.name, "Type", csdlType(p.kind))
	}
	for _, p := range t.navs {
		if t.base != nil {
			if _, inherited := t.base.nav(p.name); inherited {
				continue
			}
		}
		w.element("NavigationProperty", "Name", p.name, "Type", csdlType(p.kind), "ContainsTarget", "true")
	}
	w.WriteString(`</` + element + `>`)
	if t.kind == "entity" {
		w.complexTwin(t)
	}
}

// complexTwin writes the complex type that a definition has in the answer of RetrieveMetadataChanges: ComplexX for X,
// with what it leads to as a property.
func (w *csdl) complexTwin(t *metadataType) {
	base := ""
	if t.base != nil && t.base.name != "MetadataBase" {
		base = alias + complexName(t.base)
	}
	w.open("ComplexType", "Name", complexName(t), "BaseType", base)
	for _, p := range t.all {
		if t.base != nil && base != "" && t.base.has(p.name) {
			continue
		}
		w.element("Property", "Name", p.name, "Type", csdlType(p.kind))
	}
	for _, p := range t.navs {
		if t.base != nil {
			if _, inherited := t.base.nav(p.name); inherited {
				continue
			}
		}
		kind, collection := p.collection()
		kind = alias + "Complex" + kind
		if collection {
			kind = "Collection(" + kind + ")"
		}
		w.element("Property", "Name", p.name, "Type", kind)
	}
	w.WriteString(`</ComplexType>`)
}

// csdlType puts the alias before the name of a type that is not OData's own.
func csdlType(kind string) string {
	if inner, ok := strings.CutPrefix(kind, "Collection("); ok {
		return "Collection(" + csdlType(strings.TrimSuffix(inner, ")")) + ")"
	}
	if strings.HasPrefix(kind, "Edm.") {
		return kind
	}
	return alias + kind
}

func (w *csdl) enum(t *metadataType) {
	w.open("EnumType", "Name", t.name)
	for _, member := range t.members {
		name, value, _ := strings.Cut(member, "=")
		w.element("Member", "Name", name, "Value", value)
	}
	w.WriteString(`</EnumType>`)
}

// message declares a message, once for each table that it is bound to.
func (w *csdl) message(m message) {
	if m.bound == "principal" {
		for _, table := range []string{"systemuser", "team"} {
			m.bound = table
			w.message(m)
		}
		return
	}
	element := "Function"
	if m.action {
		element = "Action"
	}
	bound, kind := "", ""
	if m.bound != "" {
		bound, kind = "true", alias+m.bound
	}
	w.open(element, "Name", m.name, "IsBound", bound)
	switch {
	case m.collection:
		w.element("Parameter", "Name", "entityset", "Type", "Collection("+kind+")", "Nullable", "false")
	case m.bound != "":
		w.element("Parameter", "Name", "entity", "Type", kind, "Nullable", "false")
	}
	for _, p := range m.parameters {
		nullable := "false"
		if p.optional {
			nullable = ""
		}
		w.element("Parameter", "Name", p.name, "Type", csdlType(p.kind), "Nullable", nullable)
	}
	if m.result != "" {
		w.element("ReturnType", "Type", csdlType(m.result), "Nullable", "false")
	}
	w.WriteString(`</` + element + `>`)
}

// bulkActions declares the messages for many rows, which are bound to entity sets.
func (w *csdl) bulkActions() {
	w.WriteString(`<ComplexType Name="CreateMultipleResponse"><Property Name="Ids" Type="Collection(Edm.Guid)" Nullable="false" /></ComplexType>`)
	rows := "Collection(" + alias + "crmbaseentity)"
	for _, name := range []string{"CreateMultiple", "DeleteMultiple", "UpdateMultiple", "UpsertMultiple"} {
		w.open("Action", "Name", name, "IsBound", "true")
		w.element("Parameter", "Name", "entityset", "Type", rows, "Nullable", "false")
		w.element("Parameter", "Name", "Targets", "Type", rows, "Nullable", "false")
		if name == "CreateMultiple" {
			w.element("ReturnType", "Type", alias+"CreateMultipleResponse", "Nullable", "false")
		}
		w.WriteString(`</Action>`)
	}
}

package tools

import "github.com/dynamics-mcp/dynamics-mcp/dataverse"

// partyNames are the parties of an activity as they stand in a cell: names, and addresses of those that are no record.
func (r *reader) partyNames(column string, parties []dataverse.Row) []any {
	names := make([]any, len(parties))
	for i, p := range parties {
		switch who := p.Value("partyid"); {
		case who.Raw == nil:
			names[i] = p.String("addressused")
		case who.Label == "":
			names[i] = reference(who.Table, p.String("partyid"))
		default:
			names[i] = r.legend.lookup(column, who.Label, reference(who.Table, p.String("partyid")))
		}
	}
	return names
}

// party is one party as it stands in a single record.
func (r *reader) party(p dataverse.Row) any {
	if p.Value("partyid").Raw == nil {
		return p.String("addressused")
	}
	return r.fact(p, "partyid")
}

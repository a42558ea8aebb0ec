package emulator

import (
	"context"
	"database/sql"
	"net/http"
	"slices"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse/odata"
	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// message is a function or an action. Exactly one of answer and act is set.
type message struct {
	name       string
	action     bool   // called with POST; a function is called with GET
	bound      string // table whose rows it is called on, principal for users and teams; "" is called below the service root
	collection bool   // bound to the table's entity set rather than to a row
	customizes bool   // changes the schema
	parameters []parameter
	result     string // type of the answer; "" is none
	answer     func(*call, arguments) error
	act        func(context.Context, *acting) error // an action on rows: all of it in one transaction
}

// parameter is a parameter of a message, with its type as the metadata names it.
type parameter struct {
	name, kind string
	optional   bool
}

// messages are those that the emulator knows: one file each, one line here.
var messages = []message{
	addMembersTeam,
	addPrivilegesRole,
	addToQueue,
	attachmentDocument.commits(),
	attachmentDocument.downloads(),
	attachmentDocument.uploads(),
	bulkDelete,
	canBeReferenced,
	canBeReferencing,
	canManyToMany,
	cancelSalesOrder,
	closeIncident,
	closeQuote,
	commitFileBlocksUpload,
	convertQuoteToSalesOrder,
	convertSalesOrderToInvoice,
	createCustomerRelationships,
	createEntities,
	createPolymorphicLookupAttribute,
	deleteFile,
	deleteOptionValue,
	downloadBlock,
	executeWorkflow,
	formatAddress,
	fulfillSalesOrder,
	generateQuoteFromOpportunity,
	getTimeZoneCodeByLocalizedName,
	getValidManyToMany,
	getValidReferencedEntities,
	getValidReferencingEntities,
	grantAccess,
	initializeFileBlocksDownload,
	initializeFileBlocksUpload,
	initializeFrom,
	insertOptionValue,
	insertStatusValue,
	loseOpportunity,
	merge,
	modifyAccess,
	noteDocument.commits(),
	noteDocument.downloads(),
	noteDocument.uploads(),
	orderOption,
	pickFromQueue,
	publishAllXML,
	publishDuplicateRule,
	publishXML,
	qualifyLead,
	releaseToQueue,
	removeFromQueue,
	removeMembersTeam,
	removePrivilegeRole,
	replacePrivilegesRole,
	retrieveAvailableLanguages,
	retrieveCurrentOrganization,
	retrieveDuplicates,
	retrieveMetadataChanges,
	retrievePrincipalAccess,
	retrieveProvisionedLanguages,
	retrieveRolePrivilegesRole,
	retrieveSharedPrincipalsAndAccess,
	retrieveTimestamp,
	retrieveTotalRecordCount,
	retrieveUserPrivileges,
	retrieveVersion,
	reviseQuote,
	revokeAccess,
	sendEmail,
	unpublishDuplicateRule,
	updateOptionValue,
	updateStateValue,
	uploadBlock,
	whoAmI,
	winOpportunity,
	winQuote,
}

// messageRoute finds the message that a path starts with. Real services take its name in any case.
func (c *call) messageRoute(s odata.Segment) (func() error, bool) {
	i := slices.IndexFunc(messages, func(m message) bool { return m.bound == "" && strings.EqualFold(m.name, s.Name) })
	if i < 0 {
		return nil, false
	}
	return func() error { return c.callMessage(messages[i], nil) }, true
}

// boundRoute finds the message that is called on a row or on the entity set. Its name stands with the namespace.
func (c *call) boundRoute(t *schema.Table, row bool) (func() error, bool) {
	if len(c.path) < 2 {
		return nil, false
	}
	name, qualified := strings.CutPrefix(c.path[1].Name, namespace)
	i := slices.IndexFunc(messages, func(m message) bool {
		return m.name == name && m.collection != row && (m.bound == t.Logical || m.bound == "principal" && isPrincipal(t))
	})
	if i < 0 || !qualified {
		return nil, false
	}
	return func() error { return c.callMessage(messages[i], t) }, true
}

// callMessage calls the message; t is the table that it is bound to, nil if it is not.
func (c *call) callMessage(m message, t *schema.Table) error {
	method, at := http.MethodGet, 0
	if m.action {
		method = http.MethodPost
	}
	if t != nil {
		at = 1
	}
	if c.r.Method != method {
		return c.methodNotAllowed()
	}
	if len(c.path) > at+1 {
		return noSuchSegment(c.path[at+1].Name)
	}
	read := c.functionArguments
	if m.action {
		read = c.actionArguments
	}
	args, err := read(m, c.path[at])
	if err != nil {
		return err
	}
	if m.act != nil {
		return c.act(m, t, args)
	}
	if err := c.findBound(c.context(), m, t, &args); err != nil {
		return err
	}
	return m.answer(c, args)
}

// findBound finds the row that the message is called on.
func (c *call) findBound(ctx context.Context, m message, t *schema.Table, args *arguments) (err error) {
	if t != nil && !m.collection {
		args.bound, err = c.find(ctx, t)
	}
	return err
}

// acting is an action on its way, inside its transaction.
type acting struct {
	*call
	arguments
	tx *sql.Tx
}

// act carries out an action on rows: all of it or nothing. Without an answer of its own it answers 204.
func (c *call) act(m message, t *schema.Table, args arguments) error {
	err := c.db.Write(c.context(), func(ctx context.Context, tx *sql.Tx) error {
		if err := c.findBound(ctx, m, t, &args); err != nil {
			return err
		}
		return m.act(ctx, &acting{c, args, tx})
	})
	if err != nil || c.status != 0 {
		return err
	}
	return c.empty()
}

// respond starts a message's answer, of the type that the message declares.
func (c *call) respond(kind string) object {
	var o object
	c.writeContext(&o, c.root+"$metadata#"+namespace+kind)
	return o
}

package emulator

// The platform's codes for changes of the schema.
const (
	codeInvalidSchemaName     = "0x8004700b"
	codeColumnExists          = "0x80047013"
	codeNotCustomTable        = "0x80047008"
	codeNotCustomColumn       = "0x80047009"
	codeNotCustomRelationship = "0x8004700a"
	codePrimaryColumn         = "0x80047002"
	codeTwoPrimaryNames       = "0x8004701e"
	codeChildColumn           = "0x80047016"
	codeBaseColumn            = "0x80048cfe"
	codeInUse                 = "0x8004f01f"
	codeChoiceInUse           = "0x80048417"
	codeChoiceName            = "0x80044345"
	codeRelationshipExists    = "0x8004432b"
	codeOptionOperation       = "0x80048403"
	codeOptionType            = "0x80044320"
	codeOptionNoDelete        = "0x80044323"
	codeDefaultStatus         = "0x80044341"
	codeKeyNameExists         = "0x80060893"
	codeKeyColumnsExist       = "0x80060894"
)

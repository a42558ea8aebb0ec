package schema

import (
	"slices"
	"strings"

	"github.com/google/uuid"
)

// PartitionID and TTL are columns that every elastic table has: the logical partition of a row, and how many seconds it
// lives.
const (
	PartitionID = "partitionid"
	TTL         = "ttlinseconds"
)

// elasticColumns are the standard columns of elastic tables, which have neither a status nor time zones.
var elasticColumns = slices.DeleteFunc(slices.Clone(standardColumns), func(name string) bool {
	return strings.HasPrefix(name, "statecode") || strings.HasPrefix(name, "statuscode") || strings.Contains(name, "timezone")
})

// partition gives an elastic table its columns for partition and time to live, and the key that names a row by both parts.
func (t *Table) partition(version int64) {
	least, most := -2147483648.0, 2147483647.0
	t.append(&Column{Logical: PartitionID, Schema: "PartitionId", Display: "Partition Id", Type: String, Required: "None",
		Create: true, Update: true, Read: true, Property: true, MaxLength: 1024, Format: "Text",
		Extras: Extras{Description: "Logical partition id. A logical partition consists of a set of records with same partition id."}}, version)
	t.append(&Column{Logical: TTL, Schema: "TTLInSeconds", Display: "Time to live", Type: Integer, Required: "None",
		Create: true, Update: true, Read: true, Property: true, Min: &least, Max: &most, Format: "None",
		Extras: Extras{Description: "Time to live in seconds."}}, version)
	t.Keys = append(t.Keys, Key{Logical: "keyfornosqlentitywithpkpartitionid", Schema: "KeyForNoSqlEntityWithPKPartitionId",
		Display:    "Entity key for NoSql Entity that contains PrimaryKey and PartitionId attributes",
		Attributes: []string{t.PrimaryID, PartitionID}, MetadataID: uuid.New(), Version: version})
}

package tools

// Catalogue lists every tool in the order that clients are shown: from finding
// one's way, over reading, to writing.
func Catalogue() []Tool {
	return []Tool{
		listTablesTool,
		describeTableTool,
		queryRecordsTool,
		getRecordTool,
		countRecordsTool,
		createRecordTool,
		updateRecordTool,
		upsertRecordTool,
		deleteRecordTool,
		getCurrentUserTool,
	}
}

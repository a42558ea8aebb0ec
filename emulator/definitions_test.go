package emulator_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// members lists the properties of a JSON object in their order.
func members(t *testing.T, text string) []string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	if _, err := d.Token(); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	var names []string
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name.(string))
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// The orders below are those of captured answers of the real service.
const (
	entityMetadata       = `@odata.context ActivityTypeMask AutoRouteToOwnerQueue CanTriggerWorkflow EntityHelpUrlEnabled EntityHelpUrl IsDocumentManagementEnabled IsOneNoteIntegrationEnabled IsInteractionCentricEnabled IsKnowledgeManagementEnabled IsSLAEnabled IsBPFEntity IsDocumentRecommendationsEnabled IsMSTeamsIntegrationEnabled SettingOf DataProviderId DataSourceId AutoCreateAccessTeams IsActivity IsActivityParty IsRetrieveAuditEnabled IsRetrieveMultipleAuditEnabled IsArchivalEnabled IsRetentionEnabled ClusterMode IsAvailableOffline IsChildEntity IsAIRUpdated IconLargeName IconMediumName IconSmallName IconVectorName IsCustomEntity IsBusinessProcessEnabled SyncToExternalSearchIndex IsOptimisticConcurrencyEnabled ChangeTrackingEnabled IsImportable IsIntersect IsManaged IsEnabledForCharts IsEnabledForTrace IsValidForAdvancedFind DaysSinceRecordLastModified MobileOfflineFilters IsReadingPaneEnabled IsQuickCreateEnabled LogicalName ObjectTypeCode OwnershipType PrimaryNameAttribute PrimaryImageAttribute PrimaryIdAttribute RecurrenceBaseEntityLogicalName ReportViewName SchemaName IntroducedVersion IsStateModelAware EnforceStateTransitions ExternalName EntityColor LogicalCollectionName ExternalCollectionName CollectionSchemaName EntitySetName IsEnabledForExternalChannels IsPrivate UsesBusinessDataLabelTable IsLogicalEntity HasNotes HasActivities HasFeedback IsSolutionAware CreatedOn ModifiedOn HasEmailAddresses OwnerId OwnerIdType OwningBusinessUnit TableType MetadataId HasChanged Description DisplayCollectionName DisplayName IsAuditEnabled IsValidForQueue IsConnectionsEnabled IsCustomizable IsRenameable IsMappable IsDuplicateDetectionEnabled CanCreateAttributes CanCreateForms CanCreateViews CanCreateCharts CanBeRelatedEntityInRelationship CanBePrimaryEntityInRelationship CanBeInManyToMany CanBeInCustomEntityAssociation CanEnableSyncToExternalSearchIndex CanModifyAdditionalSettings CanChangeHierarchicalRelationship CanChangeTrackingBeEnabled IsMailMergeEnabled IsVisibleInMobile IsVisibleInMobileClient IsReadOnlyInMobileClient IsOfflineInMobileClient Privileges Settings`
	booleanMetadata      = `@odata.context MetadataId HasChanged AttributeOf AttributeType ColumnNumber DeprecatedVersion IntroducedVersion EntityLogicalName IsCustomAttribute IsPrimaryId IsValidODataAttribute IsPrimaryName IsValidForCreate IsValidForRead IsValidForUpdate CanBeSecuredForRead CanBeSecuredForCreate CanBeSecuredForUpdate IsSecured IsRetrievable IsFilterable IsSearchable IsManaged LinkedAttributeId LogicalName IsValidForForm IsRequiredForForm IsValidForGrid SchemaName ExternalName IsLogical IsDataSourceSecret InheritsFrom CreatedOn ModifiedOn SourceType AutoNumberFormat DefaultValue FormulaDefinition SourceTypeMask AttributeTypeName Description DisplayName IsAuditEnabled IsGlobalFilterEnabled IsSortableEnabled IsCustomizable IsRenameable IsValidForAdvancedFind RequiredLevel CanModifyAdditionalSettings Settings OptionSet`
	relationshipMetadata = `@odata.context MetadataId HasChanged IsCustomRelationship IsValidForAdvancedFind SchemaName SecurityTypes IsManaged RelationshipType IntroducedVersion ReferencedAttribute ReferencedEntity ReferencingAttribute ReferencingEntity IsHierarchical EntityKey IsRelationshipAttributeDenormalized ReferencedEntityNavigationPropertyName ReferencingEntityNavigationPropertyName RelationshipBehavior IsDenormalizedLookup DenormalizedAttributeName IsCustomizable AssociatedMenuConfiguration CascadeConfiguration RelationshipAttributes`
	manyToManyMetadata   = `@odata.context MetadataId HasChanged IsCustomRelationship IsValidForAdvancedFind SchemaName SecurityTypes IsManaged RelationshipType IntroducedVersion Entity1LogicalName Entity2LogicalName IntersectEntityName Entity1IntersectAttribute Entity2IntersectAttribute Entity1NavigationPropertyName Entity2NavigationPropertyName IsCustomizable Entity1AssociatedMenuConfiguration Entity2AssociatedMenuConfiguration`
	choiceMetadata       = `@odata.context @odata.type ParentOptionSetName IsCustomOptionSet IsGlobal IsManaged Name ExternalTypeName OptionSetType IntroducedVersion MetadataId HasChanged Options Description DisplayName IsCustomizable`
)

func TestDefinitionsHaveThePropertiesOfTheServiceInItsOrder(t *testing.T) {
	s := emulator.Start(t)
	for path, want := range map[string]string{
		"EntityDefinitions(LogicalName='account')": entityMetadata,
		"EntityDefinitions(LogicalName='account')/Attributes(LogicalName='donotemail')/Microsoft.Dynamics.CRM.BooleanAttributeMetadata?$expand=OptionSet": booleanMetadata,
		"RelationshipDefinitions(SchemaName='account_primary_contact')/Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata":                              relationshipMetadata,
		"RelationshipDefinitions(SchemaName='accountleads_association')/Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata":                            manyToManyMetadata,
		"GlobalOptionSetDefinitions(Name='componentstate')":                                                                                               choiceMetadata,
	} {
		got := get(t, s, path)
		if got.status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, got.status, got.body)
		}
		if diff := cmp.Diff(strings.Fields(want), members(t, got.body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

const root = `{"@odata.context":"http://org/api/data/v9.2/$metadata#`

func TestDefinitionsAnswerWhatWasAsked(t *testing.T) {
	s := emulator.Start(t)
	for _, test := range []struct{ path, want string }{
		{"EntityDefinitions(LogicalName='account')?$select=LogicalName,DisplayName", root + `EntityDefinitions(LogicalName,DisplayName)/$entity","LogicalName":"account","MetadataId":"70816501-edb9-4740-a16c-6a5efbc05d84",` +
			`"DisplayName":{"LocalizedLabels":[{"Label":"Account","LanguageCode":1033,"IsManaged":true,"MetadataId":"b8c87d89-9e70-568e-9334-2f0435168893","HasChanged":null}],"UserLocalizedLabel":{"Label":"Account","LanguageCode":1033,"IsManaged":true,"MetadataId":"b8c87d89-9e70-568e-9334-2f0435168893","HasChanged":null}}}`},
		{"EntityDefinitions(LogicalName='account')?$select=DisplayName&LabelLanguages=1031", root + `EntityDefinitions(DisplayName)/$entity","MetadataId":"70816501-edb9-4740-a16c-6a5efbc05d84","DisplayName":{"LocalizedLabels":[],"UserLocalizedLabel":null}}`},
		{"EntityDefinitions(70816501-EDB9-4740-a16c-6a5efbc05d84)?$select=EntitySetName", root + `EntityDefinitions(EntitySetName)/$entity","EntitySetName":"accounts","MetadataId":"70816501-edb9-4740-a16c-6a5efbc05d84"}`},
		{"EntityDefinitions(MetadataId=70816501-edb9-4740-a16c-6a5efbc05d84)/ObjectTypeCode", root + `EntityDefinitions(70816501-edb9-4740-a16c-6a5efbc05d84)/ObjectTypeCode","value":1}`},
		{"EntityDefinitions(LogicalName='account')/IsCustomizable", root + `EntityDefinitions('account')/IsCustomizable","Value":true,"CanBeChanged":false,"ManagedPropertyLogicalName":"iscustomizable"}`},
		{"EntityDefinitions(LogicalName='account')/IsCustomizable/Value", root + `EntityDefinitions('account')/IsCustomizable/Value","value":true}`},
		{"EntityDefinitions(LogicalName='account')/SchemaName/$value", `Account`},
		{"EntityDefinitions(LogicalName='account')/Settings", root + `EntityDefinitions('account')/Settings","value":[]}`},
		{"EntityDefinitions?$select=LogicalName&$filter=ObjectTypeCode lt 3 and IsCustomizable/Value eq true and not(LogicalName eq 'account')", root + `EntityDefinitions(LogicalName)","value":[{"LogicalName":"contact","MetadataId":"608861bc-50a4-4c5f-a02c-21fe1943e2cf"}]}`},
		{"EntityDefinitions?$select=LogicalName&$filter=LogicalName eq @p&@p='contact'", root + `EntityDefinitions(LogicalName)","value":[{"LogicalName":"contact","MetadataId":"608861bc-50a4-4c5f-a02c-21fe1943e2cf"}]}`},
		{"EntityDefinitions?$select=LogicalName&$filter=OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned' and IsActivityParty eq true and MetadataId eq 608861bc-50a4-4c5f-a02c-21fe1943e2cf", root + `EntityDefinitions(LogicalName)","value":[{"LogicalName":"contact","MetadataId":"608861bc-50a4-4c5f-a02c-21fe1943e2cf"}]}`},
		{"EntityDefinitions(LogicalName='account')/Attributes?$select=LogicalName&$filter=AttributeType eq 'Money' and AttributeOf eq null and SchemaName eq 'Revenue'", root + `EntityDefinitions('account')/Attributes(LogicalName)","value":[{"@odata.type":"#Microsoft.Dynamics.CRM.MoneyAttributeMetadata","LogicalName":"revenue","MetadataId":"2c46e212-3c4f-5585-8f3b-ad509004c8cc"}]}`},
		{"EntityDefinitions(LogicalName='account')/Attributes(LogicalName='accountid')?$select=LogicalName", root + `EntityDefinitions('account')/Attributes(LogicalName)/$entity","LogicalName":"accountid","MetadataId":"46ca172e-7989-5217-bd2a-794b7cb3d060"}`},
		{"EntityDefinitions(LogicalName='account')/Attributes(LogicalName='name')/MetadataId", root + `EntityDefinitions('account')/Attributes('name')/MetadataId","value":"078fbc2d-5d72-5565-9d72-5f2af27a143d"}`},
		{"EntityDefinitions(LogicalName='account')/Attributes(118771ca-6fb9-4f60-8fd4-99b6124b63ad)/Microsoft.Dynamics.CRM.PicklistAttributeMetadata/OptionSet?$select=Name", root + `EntityDefinitions('account')/Attributes(118771ca-6fb9-4f60-8fd4-99b6124b63ad)/Microsoft.Dynamics.CRM.PicklistAttributeMetadata/OptionSet(Name)/$entity","Name":"account_accountcategorycode","MetadataId":"350e71f4-5f56-5c9c-b6d5-d4261e35386d"}`},
		{"EntityDefinitions(LogicalName='account')?$select=LogicalName&$expand=Attributes($select=LogicalName;$filter=IsPrimaryName eq true),Keys($select=LogicalName,KeyAttributes)", root + `EntityDefinitions(LogicalName,Attributes(LogicalName),Keys(LogicalName,KeyAttributes))/$entity","LogicalName":"account","MetadataId":"70816501-edb9-4740-a16c-6a5efbc05d84","Attributes":[{"@odata.type":"#Microsoft.Dynamics.CRM.StringAttributeMetadata","LogicalName":"name","MetadataId":"078fbc2d-5d72-5565-9d72-5f2af27a143d"}],"Keys":[{"KeyAttributes":["accountnumber"],"LogicalName":"accountnumber_key","MetadataId":"9b6c61c4-b866-5e0b-a873-d51f6122d28d"}]}`},
		{"EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$select=LogicalName&$filter=LogicalName eq 'accountratingcode'&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)", root +
			`EntityDefinitions('account')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata(LogicalName,OptionSet(Options),GlobalOptionSet(Options))","value":[{"LogicalName":"accountratingcode","MetadataId":"5c7a2c4b-f055-5558-b377-a5f468055041","OptionSet":{"MetadataId":"b7761470-72c8-5452-bf94-47bdb9a41688","Options":[{"Value":1,"Color":null,"IsManaged":true,"ExternalValue":"","ParentValues":[],"Tag":null,"IsHidden":false,"MetadataId":null,"HasChanged":null,"Label":{"LocalizedLabels":[{"Label":"Default Value","LanguageCode":1033,"IsManaged":true,"MetadataId":"0548637d-0172-59b1-9928-cf87858c6c1f","HasChanged":null}],"UserLocalizedLabel":{"Label":"Default Value","LanguageCode":1033,"IsManaged":true,"MetadataId":"0548637d-0172-59b1-9928-cf87858c6c1f","HasChanged":null}},"Description":{"LocalizedLabels":[],"UserLocalizedLabel":null}}]},"GlobalOptionSet":null}]}`},
		{"EntityDefinitions(LogicalName='account')/Attributes(LogicalName='statuscode')/Microsoft.Dynamics.CRM.StatusAttributeMetadata/OptionSet/Options", root +
			`EntityDefinitions('account')/Attributes('statuscode')/Microsoft.Dynamics.CRM.StatusAttributeMetadata/OptionSet/Options","value":[{"@odata.type":"#Microsoft.Dynamics.CRM.StatusOptionMetadata","Value":1,"Color":null,"IsManaged":true,"ExternalValue":"","ParentValues":[],"Tag":null,"IsHidden":false,"MetadataId":null,"HasChanged":null,"State":0,"TransitionData":null,"Label":{"LocalizedLabels":[{"Label":"Active","LanguageCode":1033,"IsManaged":true,"MetadataId":"931d86f1-15c8-5ea9-a868-0b3639b3b436","HasChanged":null}],"UserLocalizedLabel":{"Label":"Active","LanguageCode":1033,"IsManaged":true,"MetadataId":"931d86f1-15c8-5ea9-a868-0b3639b3b436","HasChanged":null}},"Description":{"LocalizedLabels":[],"UserLocalizedLabel":null}},{"@odata.type":"#Microsoft.Dynamics.CRM.StatusOptionMetadata","Value":2,"Color":null,"IsManaged":true,"ExternalValue":"","ParentValues":[],"Tag":null,"IsHidden":false,"MetadataId":null,"HasChanged":null,"State":1,"TransitionData":null,"Label":{"LocalizedLabels":[{"Label":"Inactive","LanguageCode":1033,"IsManaged":true,"MetadataId":"6bf86196-4032-5e3a-b028-81749a20b4eb","HasChanged":null}],"UserLocalizedLabel":{"Label":"Inactive","LanguageCode":1033,"IsManaged":true,"MetadataId":"6bf86196-4032-5e3a-b028-81749a20b4eb","HasChanged":null}},"Description":{"LocalizedLabels":[],"UserLocalizedLabel":null}}]}`},
		{"EntityDefinitions(LogicalName='account')/Attributes(LogicalName='statecode')/Microsoft.Dynamics.CRM.StateAttributeMetadata?$select=DefaultFormValue", root +
			`EntityDefinitions('account')/Attributes/Microsoft.Dynamics.CRM.StateAttributeMetadata(DefaultFormValue)/$entity","DefaultFormValue":0,"MetadataId":"9d7e84c5-01e1-5fa0-a1e5-ebb27b0b1dd5"}`},
		{"EntityDefinitions(LogicalName='account')/OneToManyRelationships(SchemaName='account_parent_account')/CascadeConfiguration", root +
			`EntityDefinitions('account')/OneToManyRelationships('account_parent_account')/CascadeConfiguration","Assign":"Cascade","Delete":"RemoveLink","Archive":"NoCascade","Merge":"Cascade","Reparent":"Cascade","Share":"Cascade","Unshare":"Cascade","RollupView":"NoCascade"}`},
		{"EntityDefinitions(LogicalName='account')/Attributes(LogicalName='primarycontactid')/Microsoft.Dynamics.CRM.LookupAttributeMetadata?$select=Targets", root +
			`EntityDefinitions('account')/Attributes/Microsoft.Dynamics.CRM.LookupAttributeMetadata(Targets)/$entity","Targets":["contact"],"MetadataId":"61357817-c23e-5317-bd2c-fa1c577d849e"}`},
		{"EntityDefinitions(LogicalName='account')/Attributes(LogicalName='revenue')/Microsoft.Dynamics.CRM.MoneyAttributeMetadata?$select=MinValue,MaxValue,Precision,PrecisionSource,AttributeTypeName,RequiredLevel", root +
			`EntityDefinitions('account')/Attributes/Microsoft.Dynamics.CRM.MoneyAttributeMetadata(MinValue,MaxValue,Precision,PrecisionSource,AttributeTypeName,RequiredLevel)/$entity","MaxValue":100000000000000,"MinValue":0,"Precision":2,"PrecisionSource":2,"MetadataId":"2c46e212-3c4f-5585-8f3b-ad509004c8cc","AttributeTypeName":{"Value":"MoneyType"},"RequiredLevel":{"Value":"None","CanBeChanged":true,"ManagedPropertyLogicalName":"canmodifyrequirementlevelsettings"}}`},
		{"EntityDefinitions(LogicalName='account')/Attributes(LogicalName='createdon')/Microsoft.Dynamics.CRM.DateTimeAttributeMetadata?$select=Format,DateTimeBehavior", root +
			`EntityDefinitions('account')/Attributes/Microsoft.Dynamics.CRM.DateTimeAttributeMetadata(Format,DateTimeBehavior)/$entity","Format":"DateAndTime","MetadataId":"d682f576-8b95-5f0a-a634-68ef27ea4bcf","DateTimeBehavior":{"Value":"UserLocal"}}`},
		{"ManagedPropertyDefinitions", root + `ManagedPropertyDefinitions","value":[]}`},
	} {
		got := get(t, s, strings.ReplaceAll(test.path, " ", "%20"))
		if diff := cmp.Diff(test.want, got.body); got.status != http.StatusOK || diff != "" {
			t.Errorf("%s: status %d (-want +got):\n%s", test.path, got.status, diff)
		}
	}
}

func TestDefinitionsRefuseWhatTheServiceRefuses(t *testing.T) {
	s := emulator.Start(t)
	for _, test := range []struct {
		method, path  string
		status        int
		code, message string
	}{
		{"GET", "EntityDefinitions?$top=1", 400, "0x80060888", "The query parameter $top is not supported"},
		{"GET", "EntityDefinitions?$orderby=LogicalName", 400, "0x80060888", "The query parameter $orderby is not supported"},
		{"GET", "EntityDefinitions?$count=true", 400, "0x80060888", "The query parameter $count is not supported"},
		{"GET", "EntityDefinitions?$filter=startswith(LogicalName,'a')", 501, "0x8006088a", `The "startswith" function isn't supported for Metadata Entities.`},
		{"GET", "EntityDefinitions(LogicalName='account')?$expand=Attributes($filter=contains(LogicalName,'a'))", 501, "0x8006088a", `The "contains" function isn't supported for Metadata Entities.`},
		{"GET", "EntityDefinitions?$filter=LogicalName in ('account')", 400, "0x80060888", "The query node In is not supported"},
		{"GET", "EntityDefinitions?$select=Name", 400, "0x80060888", "Could not find a property named 'Name' on type 'Microsoft.Dynamics.CRM.EntityMetadata'."},
		{"GET", "EntityDefinitions?$filter=Name eq 'x'", 400, "0x80060888", "Could not find a property named 'Name' on type 'Microsoft.Dynamics.CRM.EntityMetadata'."},
		{"GET", "EntityDefinitions?$filter=IsCustomizable eq true", 400, "0x80060888", "A binary operator with incompatible types was detected. Found operand types 'Microsoft.Dynamics.CRM.BooleanManagedProperty' and 'Edm.Boolean' for operator kind 'Equal'."},
		{"GET", "EntityDefinitions?$filter=ObjectTypeCode eq '1'", 400, "0x80060888", "A binary operator with incompatible types was detected. Found operand types 'Edm.Int32' and 'Edm.String' for operator kind 'Equal'."},
		{"GET", "EntityDefinitions?$expand=Privileges", 400, "0x80060888", "Property 'Privileges' on type 'Microsoft.Dynamics.CRM.EntityMetadata' is not a navigation property or complex property. Only navigation properties can be expanded."},
		{"GET", "EntityDefinitions?$expand=Columns", 400, "0x80060888", "Could not find a property named 'Columns' on type 'Microsoft.Dynamics.CRM.EntityMetadata'."},
		{"GET", "EntityDefinitions(LogicalName='account')/Attributes?$select=MaxLength", 400, "0x80060888", "Could not find a property named 'MaxLength' on type 'Microsoft.Dynamics.CRM.AttributeMetadata'."},
		{"GET", "EntityDefinitions(LogicalName='house')", 404, "0x80040217", "Could not find an entity with name house and id 00000000-0000-0000-0000-000000000000."},
		{"GET", "EntityDefinitions(00000000-0000-0000-0000-00000000000a)", 404, "0x80040217", "Could not find an entity with name  and id 00000000-0000-0000-0000-00000000000a."},
		{"GET", "EntityDefinitions(SchemaName='Account')", 400, "0x80060890", "The specified key attributes are not a defined key for the EntityMetadata entity"},
		{"GET", "EntityDefinitions('account')", 400, "0x80060888", "Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)."},
		{"GET", "EntityDefinitions(LogicalName='account')/Columns", 404, "0x8006088a", "Resource not found for the segment 'Columns'."},
		{"GET", "EntityDefinitions/Attributes", 404, "0x8006088a", "Resource not found for the segment 'Attributes'."},
		{"GET", "EntityDefinitions(LogicalName='account')/Attributes(LogicalName='name')/Microsoft.Dynamics.CRM.MoneyAttributeMetadata", 404, "0x8006088a", "Resource not found for the segment 'Microsoft.Dynamics.CRM.MoneyAttributeMetadata'."},
		{"PATCH", "EntityDefinitions", 405, "0x80040315", "The requested resource does not support http method 'PATCH'."},
		{"PATCH", "EntityDefinitions(LogicalName='account')", 405, "0x80040315", "The requested resource does not support http method 'PATCH'."},
	} {
		got := send(t, s, test.method, strings.ReplaceAll(test.path, " ", "%20"), "")
		var answer struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
			t.Fatalf("%s: %v in %s", test.path, err, got.body)
		}
		if got.status != test.status || answer.Error.Code != test.code || answer.Error.Message != test.message {
			t.Errorf("%s %s: got %d %s\nwant %d %s %s", test.method, test.path, got.status, got.body, test.status, test.code, test.message)
		}
	}
}

func TestANullPropertyOfADefinitionIsNoContent(t *testing.T) {
	s := emulator.Start(t)
	for _, path := range []string{"EntityDefinitions(LogicalName='account')/EntityColor", "EntityDefinitions(LogicalName='account')/EntityColor/$value"} {
		if got := get(t, s, path); got.status != http.StatusNoContent || got.body != "" {
			t.Errorf("%s: got %d %s, want 204", path, got.status, got.body)
		}
	}
}

func TestEveryDefinitionIsJSON(t *testing.T) {
	s := emulator.Start(t)
	for _, path := range []string{
		"EntityDefinitions?$expand=Attributes,Keys,OneToManyRelationships,ManyToOneRelationships,ManyToManyRelationships",
		"RelationshipDefinitions", "GlobalOptionSetDefinitions",
	} {
		if got := get(t, s, path); got.status != http.StatusOK || !json.Valid([]byte(got.body)) {
			t.Errorf("%s: status %d, %d bytes, not JSON", path, got.status, len(got.body))
		}
	}
}

// A client's first questions: all tables by name, and all of one table.
func BenchmarkDefinitions(b *testing.B) {
	e, err := emulator.New(b.Context(), emulator.Options{Empty: true})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	client := emulator.Transport(e)
	for name, path := range map[string]string{
		"tables":   "EntityDefinitions?$select=LogicalName,SchemaName,EntitySetName,DisplayName,PrimaryIdAttribute,PrimaryNameAttribute",
		"oneTable": "EntityDefinitions(LogicalName='account')?$expand=Attributes,Keys,OneToManyRelationships,ManyToOneRelationships,ManyToManyRelationships",
		"choices":  "EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$select=LogicalName&$expand=OptionSet($select=Options)",
		"document": "$metadata",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://org/api/data/v9.2/"+path, http.NoBody)
				if err != nil {
					b.Fatal(err)
				}
				r.Header.Set("Authorization", "Bearer "+emulator.DefaultToken)
				answer, err := client.RoundTrip(r)
				if err != nil {
					b.Fatal(err)
				}
				var body bytes.Buffer
				if _, err := body.ReadFrom(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
					b.Fatalf("%v %s", err, body.Bytes())
				}
				b.SetBytes(int64(body.Len()))
			}
		})
	}
}
